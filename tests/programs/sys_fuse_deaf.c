// A FUSE server without a library that greets the kernel and then answers nothing: sys_fuse_deaf [--stuck DEVICE] DIR [COMMAND...]
// It mounts itself at DIR and goes on in a session of its own; COMMAND is run in its place. At SIGUSR1 it answers again what it
// is asked: that there is no such file. With --stuck it gets stuck in reading DEVICE at the first request, so that it cannot
// be killed either and its mount stays as it is.
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static volatile sig_atomic_t answers;

static void answer_from_now(int number) {
    (void)number;
    answers = 1;
}

static int get_stuck(const char* path) {
    void* page;
    int device = open(path, O_RDONLY | O_DIRECT);
    if (device < 0 || posix_memalign(&page, 4096, 4096) != 0 || pread(device, page, 4096, 0) < 0)
        return perror(path), 1;
    return 0;
}

static int serve(int device, const char* stuck) {
    static char request[1 << 20];
    static unsigned long long unanswered[4096];
    unsigned count = 0;
    for (;;) {
        while (answers && count > 0) {
            struct fuse_out_header none = {sizeof none, -ENOENT, unanswered[--count]};
            (void)!write(device, &none, sizeof none); // one that was interrupted is forgotten
        }
        ssize_t got = read(device, request, sizeof request);
        if (got < 0 && (errno == EINTR || errno == ENOENT))
            continue;
        const struct fuse_in_header* head = (const struct fuse_in_header*)request;
        if (got < (ssize_t)sizeof *head)
            return 1;
        if (head->opcode == FUSE_INIT) {
            struct {
                struct fuse_out_header head;
                struct fuse_init_out init;
            } answer = {{sizeof answer, 0, head->unique},
                        {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096}};
            if (write(device, &answer, sizeof answer) != sizeof answer)
                return 1;
        } else if (stuck != NULL) {
            if (get_stuck(stuck) != 0)
                return 1;
        } else if (head->opcode != FUSE_FORGET && head->opcode != FUSE_BATCH_FORGET && head->opcode != FUSE_INTERRUPT &&
                   count < sizeof unanswered / sizeof *unanswered) {
            unanswered[count++] = head->unique;
        }
    }
}

int main(int argc, char** argv) {
    char options[100];
    const char* stuck = NULL;
    if (argc > 2 && strcmp(argv[1], "--stuck") == 0) {
        stuck = argv[2];
        argc -= 2;
        argv += 2;
    }
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (argc < 2 || device < 0)
        return perror("/dev/fuse"), 1;
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
    if (mount("deaf", argv[1], "fuse.deaf", 0, options) != 0)
        return perror("mount"), 1;
    pid_t server = fork();
    if (server < 0)
        return perror("fork"), 1;
    if (server == 0) {
        struct sigaction action = {.sa_handler = answer_from_now}; // no SA_RESTART: it ends the wait for a request
        sigaction(SIGUSR1, &action, NULL);
        signal(SIGTERM, SIG_IGN);
        setsid();
        return serve(device, stuck);
    }
    if (argc < 3)
        return 0;
    execvp(argv[2], argv + 2);
    return perror(argv[2]), 127;
}
