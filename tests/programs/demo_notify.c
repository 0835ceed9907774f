// A service of type "notify", for the demo image and the tests: says READY=1 on $NOTIFY_SOCKET once it is set up, then
// prints a line and a new STATUS= every so many seconds, until SIGTERM, which it announces with STOPPING=1.
// Usage: demo_notify [SECONDS [READY-AFTER-MILLISECONDS]]
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// Sends one datagram to the supervisor, as sd_notify(3) does. Without NOTIFY_SOCKET there is nobody to tell.
static int notify(const char* text) {
    const char* path = getenv("NOTIFY_SOCKET");
    if (path == NULL || path[0] == '\0')
        return 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') // an abstract name
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '@' ? 0 : 1));
    ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr*)&address, size);
    int saved = errno;
    close(fd);
    errno = saved;
    return sent < 0 ? -1 : 0;
}

int main(int argc, char** argv) {
    int seconds = argc > 1 ? atoi(argv[1]) : 1;
    int ready_after = argc > 2 ? atoi(argv[2]) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0) {
        perror("demo_notify: signalfd");
        return 1;
    }
    if (ready_after > 0)
        usleep((useconds_t)ready_after * 1000);
    if (notify("READY=1\nSTATUS=ready, nothing ticked yet") < 0) {
        perror("demo_notify: notify");
        return 1;
    }
    puts("ready");

    for (unsigned long ticks = 1;; ++ticks) {
        struct pollfd watched = {.fd = signals, .events = POLLIN};
        int got = poll(&watched, 1, seconds * 1000);
        if (got > 0) {
            struct signalfd_siginfo info;
            if (read(signals, &info, sizeof info) != sizeof info)
                continue;
            if (info.ssi_signo == SIGHUP) {
                notify("RELOADING=1");
                puts("reloaded");
                notify("READY=1\nSTATUS=reloaded");
                continue;
            }
            notify("STOPPING=1");
            puts("stopping");
            return 0;
        }
        char status[64];
        snprintf(status, sizeof status, "STATUS=%lu ticks", ticks);
        notify(status);
        printf("tick %lu\n", ticks);
    }
}
