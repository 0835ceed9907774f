// Becomes another program, in a state that a careless parent left behind.
//
//   entry_dirty [-b] [-i SIGNAL] [-q SIGNAL] [-c DESCRIPTOR] PROGRAM [ARG...]
//
// -b blocks all signals; -i ignores one; -q has one blocked and pending already; -c closes a descriptor.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char** argv) {
    sigset_t set;
    sigfillset(&set);
    for (int option; (option = getopt(argc, argv, "+bi:q:c:")) != -1;) {
        switch (option) {
        case 'b': sigprocmask(SIG_BLOCK, &set, NULL); break;
        case 'i': signal(atoi(optarg), SIG_IGN); break;
        case 'q':
            sigprocmask(SIG_BLOCK, &set, NULL);
            kill(getpid(), atoi(optarg));
            break;
        case 'c': close(atoi(optarg)); break;
        default: return 2;
        }
    }
    if (optind >= argc)
        return 2;
    execvp(argv[optind], argv + optind);
    return errno == ENOENT ? 127 : 126;
}
