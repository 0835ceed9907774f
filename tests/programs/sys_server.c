// A server that is handed its listening sockets (sd_listen_fds(3)), without a library.
//
//   sys_server serve          answers each connection's line with "PID line", one after the other, until SIGTERM
//   sys_server once           answers all connections that wait, then ends
//   sys_server leave          ends at once and takes nothing
//   sys_server datagram       answers each datagram that waits, at descriptor 0 or from 3 on, then ends
//
// A connection it has accepted is answered before it ends, so that whatever is lost, somebody else has lost it.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int first = 3, count;

static void answer(int fd) {
    char line[256], text[300];
    size_t got = 0;
    while (got < sizeof line - 1) {
        ssize_t n = read(fd, line + got, sizeof line - 1 - got);
        if (n <= 0)
            break;
        got += (size_t)n;
        if (memchr(line, '\n', got))
            break;
    }
    line[got] = '\0';
    int size = snprintf(text, sizeof text, "%d %s", getpid(), line);
    if (write(fd, text, (size_t)size) != size)
        fprintf(stderr, "write: %s\n", strerror(errno));
    close(fd);
}

// Waits up to `timeout` ms (-1: for ever) and serves what is there. False: nothing was.
static bool serve(int timeout, const sigset_t* mask, bool datagrams) {
    struct pollfd look[16];
    for (int i = 0; i < count; ++i)
        look[i] = (struct pollfd){first + i, POLLIN, 0};
    struct timespec limit = {timeout / 1000, timeout % 1000 * 1000000L};
    int ready = ppoll(look, (nfds_t)count, timeout < 0 ? NULL : &limit, mask);
    if (ready < 0 && errno != EINTR)
        exit(3);
    for (int i = 0; ready > 0 && i < count; ++i) {
        if (!(look[i].revents & POLLIN))
            continue;
        if (datagrams) {
            char text[300];
            struct sockaddr_storage from;
            socklen_t size = sizeof from;
            int head = snprintf(text, sizeof text, "%d ", getpid());
            ssize_t got =
                recvfrom(look[i].fd, text + head, sizeof text - (size_t)head, 0, (struct sockaddr*)&from, &size);
            if (got >= 0 && size > 0)
                sendto(look[i].fd, text, (size_t)(head + got), 0, (struct sockaddr*)&from, size);
            continue;
        }
        int fd = accept(look[i].fd, NULL, NULL);
        if (fd >= 0)
            answer(fd);
    }
    return ready > 0;
}

static void end(int number) { exit(number == SIGTERM ? 0 : 4); }

int main(int argc, char** argv) {
    const char* what = argc > 1 ? argv[1] : "serve";
    const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    if (fds == NULL && strcmp(what, "datagram") == 0) {
        first = 0;
        count = 1;
    } else {
        if (fds == NULL || pid == NULL || atoi(pid) != getpid()) {
            fprintf(stderr, "LISTEN_FDS %s, LISTEN_PID %s, mine %d\n", fds ? fds : "-", pid ? pid : "-", getpid());
            return 2;
        }
        count = atoi(fds);
    }
    if (strcmp(what, "leave") == 0)
        return 0;
    // SIGTERM is heard only while it waits.
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGTERM, end);
    if (strcmp(what, "serve") == 0)
        for (;;)
            serve(-1, &none, false);
    while (serve(200, &none, strcmp(what, "datagram") == 0)) {
    }
    return 0;
}
