// A main process that knows which signals it gets. It blocks all 64 and takes them one by one (the kernel's own set: the C
// library's leaves out 32 and 33).
//
//   entry_signals all              sends its parent every signal and waits for each to come back
//   entry_signals map FROM=TO...   sends its parent FROM and waits for TO; TO = 0: nothing may come back
//   entry_signals group|alone      sends its parent SIGUSR1: its own child gets it too (group), or not (alone)
//   entry_signals value            sends its parent a signal with a value, which must come back with it
//   entry_signals wait             says "ready" and its parent's number, then "got N" for each signal; SIGTERM ends it
//   entry_signals count            says "ready"; on SIGQUIT says how often each other signal came, and exits 0
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { last = 64, patience = 5 };

static const uint64_t every = ~UINT64_C(0);

// The next signal, or 0 after `seconds`.
static int next(int seconds, siginfo_t* about) {
    struct timespec limit = {seconds, 0};
    long signal;
    do
        signal = syscall(SYS_rt_sigtimedwait, &every, about, seconds < 0 ? NULL : &limit, sizeof every);
    while (signal < 0 && errno == EINTR);
    return signal > 0 ? (int)signal : 0;
}

// Waits for `wanted`; whatever else comes first is a failure, but for what our own child causes.
static int comes(int wanted) {
    siginfo_t about;
    int got;
    do
        got = next(patience, &about);
    while (got == SIGCHLD);
    if (got == wanted)
        return 1;
    printf("waited for %d, got %d\n", wanted, got);
    return 0;
}

// Whether nothing else waits once the marker, the highest signal, has gone round: signals are taken lowest first.
static int nothing_comes(void) {
    kill(getppid(), last);
    return comes(last);
}

static int all(void) {
    int good = 0;
    for (int signal = 1; signal <= last; ++signal) {
        if (signal == SIGKILL || signal == SIGSTOP || signal == SIGCHLD)
            continue;
        if (kill(getppid(), signal) != 0 || !comes(signal))
            return 1;
        ++good;
    }
    printf("%d came back\n", good);
    return 0;
}

static int map(char** pairs) {
    for (; *pairs != NULL; ++pairs) {
        int from = 0, to = 0;
        if (sscanf(*pairs, "%d=%d", &from, &to) != 2 || kill(getppid(), from) != 0)
            return 2;
        if (to != 0 && !comes(to))
            return 1;
        if (!nothing_comes())
            return 1;
    }
    return 0;
}

static int group(int together) {
    int line[2];
    if (pipe(line) != 0)
        return 2;
    pid_t child = fork();
    if (child == 0) {
        siginfo_t about;
        char got = (char)next(patience, &about);
        _exit(write(line[1], &got, 1) != 1);
    }
    kill(getppid(), SIGUSR1);
    if (!comes(SIGUSR1) || !nothing_comes())
        return 1;
    // With the marker round, the child was sent what it will be sent; SIGUSR2, the higher, ends its waiting.
    kill(child, SIGUSR2);
    char got = 0;
    if (read(line[0], &got, 1) != 1)
        return 2;
    waitpid(child, NULL, 0);
    return got == (together ? SIGUSR1 : SIGUSR2) ? 0 : 1;
}

static int value(void) {
    union sigval sent = {.sival_int = 4711};
    siginfo_t about;
    if (sigqueue(getppid(), SIGRTMIN + 2, sent) != 0 || next(patience, &about) != SIGRTMIN + 2)
        return 1;
    return about.si_value.sival_int == 4711 ? 0 : 1;
}

static int tell_each(void) {
    printf("ready %d\n", (int)getppid());
    for (;;) {
        siginfo_t about;
        int signal = next(-1, &about);
        printf("got %d\n", signal);
        if (signal == SIGTERM)
            return 0;
    }
}

static int count(void) {
    int times[last + 1] = {0};
    puts("ready");
    for (;;) {
        siginfo_t about;
        int signal = next(-1, &about);
        if (signal == SIGQUIT)
            break;
        printf("got %d\n", signal);
        ++times[signal];
    }
    printf("counted");
    for (int signal = 1; signal <= last; ++signal)
        if (times[signal] != 0)
            printf(" %d:%d", signal, times[signal]);
    puts(" end");
    return 0;
}

int main(int argc, char** argv) {
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &every, NULL, sizeof every);
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char* mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "all") == 0)
        return all();
    if (strcmp(mode, "map") == 0)
        return map(argv + 2);
    if (strcmp(mode, "group") == 0 || strcmp(mode, "alone") == 0)
        return group(mode[0] == 'g');
    if (strcmp(mode, "value") == 0)
        return value();
    if (strcmp(mode, "wait") == 0)
        return tell_each();
    if (strcmp(mode, "count") == 0)
        return count();
    return 2;
}
