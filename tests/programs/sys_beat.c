/* Says a number every so many milliseconds, one more each time: sys_beat MILLISECONDS [notify]. What is missing in its log
   was lost. With `notify` it says READY=1, and WATCHDOG=1 with every number. Ends at SIGTERM, with the number it was at. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t over;

static void end(int number) {
    (void)number;
    over = 1;
}

static void tell(int fd, const struct sockaddr_un* to, const char* text) {
    if (fd >= 0)
        (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr*)to, sizeof *to);
}

int main(int argc, char** argv) {
    long interval = argc > 1 ? atol(argv[1]) : 50;
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = -1;
    const char* path = getenv("NOTIFY_SOCKET");
    if (argc > 2 && path != NULL && strlen(path) < sizeof to.sun_path) {
        strcpy(to.sun_path, path);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        tell(fd, &to, "READY=1\nSTATUS=beating");
    }
    char line[64];
    unsigned long number = 0;
    struct timespec pause = {interval / 1000, interval % 1000 * 1000000};
    while (!over) {
        int size = snprintf(line, sizeof line, "beat %lu\n", ++number);
        if (write(1, line, (size_t)size) != size)
            return 3;
        tell(fd, &to, "WATCHDOG=1");
        nanosleep(&pause, NULL);
    }
    int size = snprintf(line, sizeof line, "last %lu\n", number);
    return write(1, line, (size_t)size) == size ? 0 : 3;
}
