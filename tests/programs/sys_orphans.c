// Leaves COUNT orphans to its init as fast as it can, then exits 0. Half of them are dead when they are orphaned, half die
// afterwards; every hundredth leaves its session.
//
//   sys_orphans COUNT
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { batch = 100 };

int main(int argc, char** argv) {
    long count = argc > 1 ? atol(argv[1]) : 1;
    for (long made = 0; made < count; made += batch) {
        pid_t parent = fork();
        if (parent == 0) {
            for (int i = 0; i < batch && made + i < count; ++i) {
                pid_t orphan = fork();
                if (orphan < 0)
                    _exit(1);
                if (orphan == 0) {
                    if (i == 0)
                        setsid();
                    if (i % 2 == 0)
                        nanosleep(&(struct timespec){0, 1000000}, NULL);
                    _exit(i % 7);
                }
            }
            _exit(0);
        }
        int status = 0;
        if (parent < 0 || waitpid(parent, &status, 0) != parent || status != 0)
            return 1;
    }
    return 0;
}
