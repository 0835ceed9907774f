// Ignores SIGTERM, and, if told to, forks again and again, for ever:
// stubborn [bomb]. It rests in between, as an emulated processor has to do something else, too.
#include <signal.h>
#include <unistd.h>

int main(int argc, char** argv) {
    (void)argv;
    signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    for (;;)
        argc > 1 ? (void)(fork(), usleep(50000)) : (void)pause();
}
