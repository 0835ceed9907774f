/* Holds a write lease on a file of its user: whoever executes it waits until this program has ended.
 * sys_lease USER FILE: prints "held" when it has it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc != 3)
        return 2;
    uid_t user = (uid_t)atoi(argv[1]);
    if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0)
        return 1;
    signal(SIGIO, SIG_IGN); /* the kernel asks for it back */
    /* Not for writing: at our end the lease goes a moment before the descriptor, and a program that is still open for
     * writing cannot be executed (ETXTBSY). */
    int file = open(argv[2], O_RDONLY | O_CLOEXEC);
    if (file < 0 || fcntl(file, F_SETLEASE, F_WRLCK) != 0) {
        perror("lease");
        return 1;
    }
    puts("held");
    fflush(stdout);
    for (;;)
        pause();
}
