// A FUSE server without a library that greets the kernel and then answers nothing: fuse_deaf DIR [DEVICE]. With DEVICE it
// gets stuck in reading that at the first request, so that it cannot be killed either and its mount stays as it is.
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char** argv) {
    static char request[1 << 20];
    char options[100];
    int device = open("/dev/fuse", O_RDWR);
    if (argc < 2 || device < 0)
        return perror("/dev/fuse"), 1;
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
    if (mount("deaf", argv[1], "fuse.deaf", 0, options) != 0)
        return perror("mount"), 1;
    signal(SIGTERM, SIG_IGN);
    for (;;) {
        ssize_t got = read(device, request, sizeof request);
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
                return perror("answer"), 1;
        } else if (argc > 2) {
            void* page;
            int stuck = open(argv[2], O_RDONLY | O_DIRECT);
            if (stuck < 0 || posix_memalign(&page, 4096, 4096) != 0 || pread(stuck, page, 4096, 0) < 0)
                return perror(argv[2]), 1;
        }
    }
}
