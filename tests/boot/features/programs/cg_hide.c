// Does not want to be ended: ignores SIGTERM, and so does what it hides in a new session, twice forked, under another name
// and with nothing of what it was given: no environment, no descriptor.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char** argv) {
    signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    if (argc > 1)
        for (;;)
            pause();
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            setsid();
            puts("hidden");
            fflush(stdout);
            for (int fd = 0; fd < 64; fd++)
                close(fd);
            execle(argv[0], "innocent", "stay", (char*)NULL, (char*[]){NULL});
        }
        _exit(0);
    }
    for (;;)
        pause();
}
