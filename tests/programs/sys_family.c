// A service with descendants that try to get away, for tests of what a stop leaves behind.
//
//   sys_family KIND COUNT [deaf]
//
// COUNT descendants of KIND: `child` stays where it is, `group` is in a process group of its own, `session` leads a session,
// `double` has been forked twice and has called setsid twice, so that its parent is the init, `clean` is a `double` that
// has also thrown away its environment and all descriptors, `hop` forks and exits every millisecond, deaf to SIGTERM, so
// that whoever looks for it finds it gone. `deaf`: they (not we) ignore SIGTERM. Prints "ready" when
// all are there; ends by SIGTERM, and does not end them.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int deaf;

static void stay(int told) {
    if (deaf)
        signal(SIGTERM, SIG_IGN);
    if (write(told, "x", 1) != 1)
        _exit(1);
    close(told);
    for (;;)
        pause();
}

int main(int argc, char** argv) {
    if (argc < 3)
        return 2;
    const char* kind = argv[1];
    int count = atoi(argv[2]), told[2];
    deaf = argc > 3;
    if (pipe2(told, O_CLOEXEC) != 0)
        return 1;
    for (int i = 0; i < count; ++i) {
        pid_t child = fork();
        if (child < 0)
            return 1;
        if (child > 0) {
            if (strcmp(kind, "double") == 0 || strcmp(kind, "clean") == 0)
                waitpid(child, NULL, 0);
            continue;
        }
        if (strcmp(kind, "child") == 0)
            stay(told[1]);
        if (strcmp(kind, "group") == 0) {
            setpgid(0, 0);
            stay(told[1]);
        }
        setsid();
        if (strcmp(kind, "session") == 0)
            stay(told[1]);
        if (strcmp(kind, "hop") == 0) {
            signal(SIGTERM, SIG_IGN);
            if (write(told[1], "x", 1) != 1)
                _exit(1);
            for (;;) {
                if (fork() != 0)
                    _exit(0);
                setsid();
                nanosleep(&(struct timespec){0, 1000000}, NULL);
            }
        }
        if (fork() != 0)
            _exit(0);
        setsid();
        if (strcmp(kind, "clean") == 0) {
            char number[16];
            snprintf(number, sizeof number, "%d", dup(told[1]));
            for (int fd = 0; fd < 3; ++fd)
                close(fd);
            char* empty[] = {NULL};
            char* arguments[] = {argv[0], "stay", number, deaf ? "deaf" : NULL, NULL};
            execve(argv[0], arguments, empty);
            _exit(1);
        }
        stay(told[1]);
    }
    if (strcmp(kind, "stay") == 0)
        stay(count); // the second life of `clean`: COUNT is the descriptor
    close(told[1]);
    char byte;
    for (int i = 0; i < count; ++i)
        if (read(told[0], &byte, 1) != 1)
            return 1;
    printf("ready\n");
    fflush(stdout);
    for (;;)
        pause();
}
