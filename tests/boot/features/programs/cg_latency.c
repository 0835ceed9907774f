// How long PID 1 takes to answer: `cg_latency CALLS UNIT`. Each call is what `minictl status UNIT` does, a connection, a
// request and its reply, without the start of a process. Prints "median MICROSECONDS max MICROSECONDS".
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000L + time.tv_nsec / 1000;
}

static int ask(const char* request) {
    static char reply[1 << 16];
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/miniinit/control"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr*)&address, sizeof address) != 0)
        return -1;
    size_t length = strlen(request) + 1;
    size_t all = 0; /* a reply may come in pieces */
    ssize_t got = write(fd, request, length) == (ssize_t)length ? 1 : -1;
    while (got > 0 && (all == 0 || reply[all - 1] != 0)) {
        got = all < sizeof reply ? read(fd, reply + all, sizeof reply - all) : -1;
        all += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return got > 0 && strstr(reply, "main_pid") ? 0 : -1;
}

static int by_size(const void* a, const void* b) {
    long one = *(const long*)a, two = *(const long*)b;
    return (one > two) - (one < two);
}

int main(int argc, char** argv) {
    int calls = argc > 2 ? atoi(argv[1]) : 0;
    if (calls < 1)
        return 2;
    char request[512];
    snprintf(request, sizeof request,
             "{\"method\":\"org.miniinit.Manager.Status\",\"parameters\":{\"units\":[\"%s\"]}}", argv[2]);
    long* took = calloc((size_t)calls, sizeof *took);
    for (int i = 0; i < calls; i++) {
        long began = now();
        if (ask(request) != 0) {
            puts("no answer");
            return 1;
        }
        took[i] = now() - began;
        usleep(10000); // so that they do not run in the wake of each other
    }
    qsort(took, (size_t)calls, sizeof *took, by_size);
    printf("median %ld max %ld\n", took[calls / 2], took[calls - 1]);
    return 0;
}
