// Goes through STEPS, as services do that talk to their supervisor with sd_notify(3), for tests.
//
//   sys_notify STEP...
//
// send:TEXT      one datagram to $NOTIFY_SOCKET; `;` stands for a line break, `PID` for our PID
// child:TEXT     the same from a child, which stays until after
// become:TEXT    forks; the child sends TEXT (in which `PID` is the child's) and goes on with the steps that follow,
//                while the parent waits for a signal
// sleep:MS       pauses
// flood:N        sends N datagrams `STATUS=number`, as fast as they are taken
// say:TEXT       writes a line to stdout
// wait:SIGNAL    waits for it (a number)
// end:CODE       exits
// fd:N           writes a newline to descriptor N
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void tell(const char* text) {
    char message[4096];
    size_t length = 0;
    for (; *text != 0 && length < sizeof message - 16; ++text) {
        if (strncmp(text, "PID", 3) == 0 && (length == 0 || message[length - 1] == '=')) {
            length += (size_t)sprintf(message + length, "%d", (int)getpid());
            text += 2;
        } else {
            message[length++] = *text == ';' ? '\n' : *text;
        }
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char* path = getenv("NOTIFY_SOCKET");
    if (path == NULL || strlen(path) >= sizeof address.sun_path) {
        printf("no NOTIFY_SOCKET\n");
        exit(5);
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (sendto(fd, message, length, MSG_NOSIGNAL, (struct sockaddr*)&address, sizeof address) < 0) {
        printf("cannot send: %s\n", strerror(errno));
        exit(5);
    }
    close(fd);
}

int main(int argc, char** argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGTERM);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 1; i < argc; ++i) {
        char* value = strchr(argv[i], ':');
        if (value == NULL)
            return 2;
        *value++ = 0;
        if (strcmp(argv[i], "send") == 0) {
            tell(value);
        } else if (strcmp(argv[i], "flood") == 0) {
            long count = atol(value);
            for (long number = 1; number <= count; ++number) {
                char text[64];
                snprintf(text, sizeof text, "STATUS=%ld of %ld", number, count);
                tell(text);
            }
        } else if (strcmp(argv[i], "child") == 0) {
            int told[2];
            if (pipe(told) != 0)
                return 1;
            if (fork() == 0) {
                tell(value);
                close(told[1]);
                pause();
                _exit(0);
            }
            close(told[1]);
            char byte;
            if (read(told[0], &byte, 1) != 0)
                return 1;
            close(told[0]);
        } else if (strcmp(argv[i], "become") == 0) {
            if (fork() != 0)
                for (;;)
                    pause();
            tell(value);
        } else if (strcmp(argv[i], "sleep") == 0) {
            struct timespec left = {atol(value) / 1000, atol(value) % 1000 * 1000000};
            while (nanosleep(&left, &left) != 0 && errno == EINTR) {
            }
        } else if (strcmp(argv[i], "say") == 0) {
            puts(value);
        } else if (strcmp(argv[i], "wait") == 0) {
            sigset_t one;
            sigemptyset(&one);
            sigaddset(&one, atoi(value));
            sigprocmask(SIG_BLOCK, &one, NULL);
            int got;
            sigwait(&one, &got);
        } else if (strcmp(argv[i], "fd") == 0) {
            if (write(atoi(value), "\n", 1) != 1)
                return 6;
        } else if (strcmp(argv[i], "end") == 0) {
            return atoi(value);
        } else {
            return 2;
        }
    }
    for (;;)
        pause();
}
