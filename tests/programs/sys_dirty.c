// Becomes another program, in the worst state a parent can leave behind: all signals blocked, SIGPIPE, SIGCHLD and SIGHUP
// ignored, umask 077, nice 5, another directory, another timer slack and core dump filter, descriptors that stay open over
// exec (7 to 39, some of them above a gap), an OOM score, and an environment full of what must not be passed on.
//
//   sys_dirty PROGRAM [ARG...]
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_file(const char* path, const char* text, size_t size) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, size) != (ssize_t)size)
        _exit(3);
    close(fd);
}

int main(int argc, char** argv) {
    if (argc < 2)
        return 2;
    int null = open("/dev/null", O_RDWR);
    for (int fd = 7; fd < 40; ++fd)
        if (fd != 20 && dup2(null, fd) < 0)
            return 3;
    write_file("/proc/self/coredump_filter", "0x7f", 4);
    write_file("/proc/self/oom_score_adj", "300", 3);
    const int ignored[] = {SIGPIPE, SIGCHLD, SIGHUP, SIGUSR1, SIGTTOU, 34, 64};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; ++i)
        signal(ignored[i], SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    umask(077);
    if (setpriority(PRIO_PROCESS, 0, 5) != 0 || chdir("/usr") != 0 || prctl(PR_SET_TIMERSLACK, 123456) != 0)
        return 3;
    setenv("LD_PRELOAD_OF_OLD", "evil", 1);
    setenv("IFS", "x", 1);
    setenv("NOTIFY_SOCKET", "/wrong/place", 1);
    setenv("LISTEN_FDS", "17", 1);
    setenv("LISTEN_PID", "1", 1);
    setenv("INVOCATION_ID", "stale", 1);
    setenv("MINIINIT_UNIT", "stale", 1);
    setenv("HOME", "/stale", 1);
    setenv("WANTED", "passed on", 1);
    execvp(argv[1], argv + 1);
    return 127;
}
