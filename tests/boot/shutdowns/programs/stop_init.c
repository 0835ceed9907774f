// Hangs process 1, as a fault in it might: stop_init now, or stop_init last-stage: then where it is about to send a signal
// to everybody.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    int status;
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (argc != 2 || ptrace(PTRACE_SEIZE, 1, 0, PTRACE_O_TRACESYSGOOD) != 0 || ptrace(PTRACE_INTERRUPT, 1, 0, 0) != 0)
        return perror("trace process 1"), 1;
    if (waitpid(1, &status, __WALL) != 1)
        return perror("wait for process 1"), 1;
    puts("it is held");
    fflush(stdout);
    while (strcmp(argv[1], "last-stage") == 0) {
        struct user_regs_struct registers;
        // A signal that it was stopped for is passed on.
        int stopped = WSTOPSIG(status), group = status >> 16;
        int number = stopped == (SIGTRAP | 0x80) || stopped == SIGTRAP || group != 0 ? 0 : stopped;
        if (ptrace(PTRACE_SYSCALL, 1, 0, number) != 0 || waitpid(1, &status, __WALL) != 1)
            return perror("trace process 1"), 1;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80) && ptrace(PTRACE_GETREGS, 1, 0, &registers) == 0 &&
            registers.orig_rax == SYS_kill && (int)registers.rdi == -1)
            break;
    }
    for (;;)
        pause();
}
