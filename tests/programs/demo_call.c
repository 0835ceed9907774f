// Calls one method of the init's control socket and prints the reply: what any Varlink client does, small enough for the
// demo image (whose busybox cannot talk to a Unix socket). Usage: demo_call METHOD [PARAMETERS], say demo_call BootTimes
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char** argv) {
    char call[4096];
    int length = snprintf(call, sizeof call, "{\"method\":\"org.miniinit.Manager.%s\",\"parameters\":%s}",
                          argc > 1 ? argv[1] : "Ping", argc > 2 ? argv[2] : "{}");
    if (length < 0 || (size_t)length >= sizeof call) {
        fputs("demo_call: the call is too long\n", stderr);
        return 2;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/miniinit/control"};
    if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) < 0) {
        perror("demo_call: connect");
        return 1;
    }
    size_t whole = (size_t)length + 1; // a message ends with a NUL
    if (send(fd, call, whole, MSG_NOSIGNAL) != (ssize_t)whole) {
        perror("demo_call: send");
        return 1;
    }
    char part[8192];
    for (;;) {
        ssize_t got = read(fd, part, sizeof part);
        if (got <= 0) {
            fputs("demo_call: no whole reply\n", stderr);
            return 1;
        }
        const char* end = memchr(part, '\0', (size_t)got);
        fwrite(part, 1, end != NULL ? (size_t)(end - part) : (size_t)got, stdout);
        if (end != NULL) {
            putchar('\n');
            return 0;
        }
    }
}
