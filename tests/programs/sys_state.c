// Prints the state a service was started in, for tests: one `key value` a line.
//
//   sys_state [reopen]      reopen: opens /dev/stdout and /dev/stderr anew and says whether that works
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

extern char** environ;

// The lines of a file, each behind `key `.
static void print_file(const char* key, const char* path) {
    char line[1024];
    FILE* file = fopen(path, "re");
    if (file == NULL) {
        printf("%s ?%s\n", key, strerror(errno));
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        printf("%s %s\n", key, line);
    }
    fclose(file);
}

static void print_descriptors(void) {
    for (int fd = 0; fd < 4096; ++fd) {
        char path[64], target[512] = "";
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof target - 1) < 0)
            strcpy(target, "?");
        printf("fd %d %s\n", fd, target);
    }
}

static void reopen(const char* path) {
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0) {
        printf("reopen %s %s\n", path, strerror(errno));
        return;
    }
    printf("reopen %s ok\n", path);
    dprintf(fd, "written through %s\n", path);
    close(fd);
}

int main(int argc, char** argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    print_descriptors(); // before we open anything ourselves
    print_file("status", "/proc/self/status");
    print_file("limit", "/proc/self/limits");
    print_file("oom", "/proc/self/oom_score_adj");
    print_file("coredump", "/proc/self/coredump_filter");
    print_file("cgroup", "/proc/self/cgroup");
    printf("slack %d\n", prctl(PR_GET_TIMERSLACK));
    printf("deathsig %d\n", ({
               int sig = -1;
               prctl(PR_GET_PDEATHSIG, &sig);
               sig;
           }));
    for (char** variable = environ; *variable != NULL; ++variable)
        printf("env %s\n", *variable);
    char directory[1024];
    printf("cwd %s\n", getcwd(directory, sizeof directory) != NULL ? directory : strerror(errno));
    mode_t mask = umask(0);
    umask(mask);
    printf("umask %04o\n", (unsigned)mask);
    printf("pid %d\nsession %d\ngroup %d\n", (int)getpid(), (int)getsid(0), (int)getpgrp());
    printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty >= 0)
        printf("tty yes foreground %d\n", (int)tcgetpgrp(tty));
    else
        printf("tty no\n");
    for (int i = 0; i < argc; ++i)
        printf("arg %s\n", argv[i]);
    if (argc > 1 && strcmp(argv[1], "reopen") == 0) {
        reopen("/dev/stdout");
        reopen("/dev/stderr");
    }
    return 0;
}
