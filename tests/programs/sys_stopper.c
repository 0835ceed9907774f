/* sys_stopper USER: stops every process of that user in this PID namespace, over and over, but itself. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc != 2)
        return 2;
    uid_t user = (uid_t)atoi(argv[1]);
    if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0)
        return 1;
    for (;;)
        kill(-1, SIGSTOP);
}
