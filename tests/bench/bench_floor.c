// The floor: what no init can do without. It starts programs by vfork and exec, waits for them, and nothing else.
//   bench_floor services BOARD SERVICE N    starts N, starts again what ends, and stops them on SIGTERM
//   bench_floor chain BOARD SERVICE N       N oneshots, each when the one before has ended
//   bench_floor main PROG ARG...            one program, as a container's init: reaps all, ends when it ends
//   bench_floor repeat TIMES PROG ARG...    runs PROG TIMES times, prints the nanoseconds of each
//   bench_floor namespaces TIMES PROG...    the same, PROG being PID 1 of a PID namespace with a /proc of its own
#include "board.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static volatile sig_atomic_t stopping;

static void stop(int signal) {
    (void)signal;
    stopping = 1;
}

static pid_t start(char** arguments) {
    pid_t pid = vfork();
    if (pid == 0) {
        execv(arguments[0], arguments);
        _exit(127);
    }
    return pid;
}

static pid_t start_service(const char* board, const char* service, int index, const char* once) {
    char number[16];
    snprintf(number, sizeof number, "%d", index);
    char* arguments[] = {(char*)service, (char*)board, number, (char*)once, NULL};
    return start(arguments);
}

static int services(const char* board, const char* service, int count) {
    pid_t* pids = calloc((size_t)count, sizeof *pids);
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    for (int i = 0; i < count; ++i)
        pids[i] = start_service(board, service, i, NULL);
    while (!stopping) {
        pid_t ended = waitpid(-1, NULL, 0);
        for (int i = 0; ended > 0 && i < count; ++i)
            if (pids[i] == ended)
                pids[i] = start_service(board, service, i, NULL);
    }
    for (int i = 0; i < count; ++i)
        kill(pids[i], SIGTERM);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {
    }
    return 0;
}

static int chain(const char* board, const char* service, int count) {
    for (int i = 0; i < count; ++i)
        if (waitpid(start_service(board, service, i, "once"), NULL, 0) < 0)
            return 1;
    for (;;)
        pause();
}

static int container_main(char** arguments) {
    int status = 0;
    pid_t main_pid = start(arguments);
    for (pid_t ended; (ended = waitpid(-1, &status, 0)) != main_pid;)
        if (ended < 0 && errno != EINTR)
            return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Where the numbers go; what the programs print goes nowhere.
static FILE* keep_output(void) {
    int numbers = fcntl(1, F_DUPFD_CLOEXEC, 3);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    close(null);
    return fdopen(numbers, "w");
}

static int repeat(int times, char** arguments) {
    FILE* numbers = keep_output();
    for (int i = 0; i < times; ++i) {
        uint64_t before = now_ns();
        int status = 0;
        pid_t pid = start(arguments);
        waitpid(pid, &status, 0);
        uint64_t after = now_ns();
        if (status != 0)
            return 1;
        fprintf(numbers, "%llu\n", (unsigned long long)(after - before));
    }
    fclose(numbers);
    return 0;
}

static int namespaces(int times, char** arguments) {
    FILE* numbers = keep_output();
    uint64_t* begun = mmap(NULL, sizeof *begun, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < times; ++i) {
        // The namespace is for the next child only, and we have to be a fresh process for each.
        pid_t maker = fork();
        if (maker == 0) {
            if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0)
                _exit(1);
            pid_t first = fork();
            if (first == 0) {
                for (int capability = 0; capability < 64; ++capability) {
                    if (capability == 0 && (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
                                            mount("proc", "/proc", "proc", 0, NULL) != 0))
                        _exit(1);
                    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
                }
                *begun = now_ns();
                execv(arguments[0], arguments);
                _exit(127);
            }
            int status = 0;
            waitpid(first, &status, 0);
            uint64_t ended = now_ns();
            fprintf(numbers, "%llu\n", (unsigned long long)(ended - *begun));
            fflush(numbers);
            _exit(status != 0);
        }
        int status = 0;
        if (waitpid(maker, &status, 0) < 0 || status != 0)
            return 1;
    }
    return 0;
}

int main(int argc, char** argv) {
    const char* what = argc > 2 ? argv[1] : "";
    if (strcmp(what, "services") == 0 && argc == 5)
        return services(argv[2], argv[3], atoi(argv[4]));
    if (strcmp(what, "chain") == 0 && argc == 5)
        return chain(argv[2], argv[3], atoi(argv[4]));
    if (strcmp(what, "main") == 0)
        return container_main(argv + 2);
    if (strcmp(what, "repeat") == 0 && argc > 3)
        return repeat(atoi(argv[2]), argv + 3);
    if (strcmp(what, "namespaces") == 0 && argc > 3)
        return namespaces(atoi(argv[2]), argv + 3);
    return 2;
}
