// Makes a process fail as a bug in it would: it goes on at an address that nothing is at.
//
//   entry_fault PID
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static int failed(const char* what) {
    perror(what);
    return 1;
}

int main(int argc, char** argv) {
    const pid_t pid = argc == 2 ? (pid_t)atoi(argv[1]) : 0;
    if (pid <= 0)
        return 2;
    int status;
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
        return failed("seize");
    if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 || waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
        return failed("stop");
    struct user_regs_struct registers;
    struct iovec all = {&registers, sizeof registers};
    if (ptrace(PTRACE_GETREGSET, pid, (void*)NT_PRSTATUS, &all) != 0)
        return failed("look");
#if defined(__x86_64__)
    registers.rip = 16;
    registers.orig_rax = (unsigned long long)-1; // no system call is to be begun again
#elif defined(__aarch64__)
    registers.pc = 16;
#else
#error "where does this processor go on?"
#endif
    if (ptrace(PTRACE_SETREGSET, pid, (void*)NT_PRSTATUS, &all) != 0)
        return failed("set");
    return ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0 ? 0 : failed("leave");
}
