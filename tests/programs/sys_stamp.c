// A service that records when it began, was ready, was asked to stop and ended, for tests of the order of things.
//
//   sys_stamp FILE NAME TYPE READY-MS STOP-MS
//
// TYPE is simple, oneshot, notify or notify-fd (on descriptor 3). Each record is one line `NAME WHAT MICROSECONDS PID`, by the
// monotonic clock, appended to FILE in one write.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char* name;
static int file;

static void stamp(const char* what) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char line[256];
    int length = snprintf(line, sizeof line, "%s %s %lld %d\n", name, what,
                          (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000, (int)getpid());
    if (write(file, line, (size_t)length) != length)
        _exit(4);
}

static void pause_for(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static int tell(const char* text) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char* path = getenv("NOTIFY_SOCKET");
    if (path == NULL || strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr*)&address, sizeof address);
    close(fd);
    return sent < 0 ? -1 : 0;
}

int main(int argc, char** argv) {
    if (argc != 6)
        return 2;
    file = open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return 4;
    name = argv[2];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    stamp("begin");
    if (strcmp(argv[3], "simple") == 0)
        stamp("ready");
    else
        pause_for(atol(argv[4]));
    if (strcmp(argv[3], "notify") == 0) {
        stamp("ready");
        if (tell("READY=1") != 0)
            return 5;
    } else if (strcmp(argv[3], "notify-fd") == 0) {
        stamp("ready");
        if (write(3, "\n", 1) != 1)
            return 5;
        close(3);
    } else if (strcmp(argv[3], "oneshot") == 0) {
        stamp("ready");
        return 0;
    }
    int number;
    sigwait(&set, &number);
    stamp("term");
    pause_for(atol(argv[5]));
    stamp("end");
    return 0;
}
