// Plays a dialogue with a program on a terminal of its own.
//
//   entry_pty STEP... -- COMMAND [ARG...]
//
// STEP is  expect:TEXT   wait until TEXT has come (what came before it is passed over)
//          send:TEXT     type TEXT: ^C is Control-C, ^[ to ^_ likewise, ^^ a caret; \n is Enter
//          resize:R,C    change the window's size
//          hangup        close our side
// Then it waits for COMMAND to end and exits as it did (128 + signal). Where a step takes longer than 10 s, it tells what was
// said until then and exits 99.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { patience_ms = 10000 };

static char heard[1 << 16]; // everything that came
static size_t size, seen;   // how much; up to where it was expected
static int master;
static pid_t child;

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void fail(const char* step) {
    fprintf(stderr, "stuck at \"%s\" after:\n%.*s\n", step, (int)size, heard);
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    exit(99);
}

// Reads what there is, waiting at most `ms` for it; 0 at the end of the terminal, -1 where nothing came.
static int hear(long ms) {
    struct pollfd ready = {master, POLLIN, 0};
    if (poll(&ready, 1, ms > 0 ? (int)ms : 0) <= 0)
        return -1;
    if (size == sizeof heard - 1)
        size = seen = 0;
    ssize_t count = read(master, heard + size, sizeof heard - 1 - size);
    if (count <= 0)
        return 0; // EIO: nobody has the other side open any more
    size += (size_t)count;
    heard[size] = '\0';
    return 1;
}

static void expect(const char* step, const char* text) {
    long deadline = now_ms() + patience_ms;
    for (;;) {
        char* at = memmem(heard + seen, size - seen, text, strlen(text));
        if (at != NULL) {
            seen = (size_t)(at - heard) + strlen(text);
            return;
        }
        int came = hear(deadline - now_ms());
        if (came == 0 || now_ms() >= deadline)
            fail(step);
    }
}

static void type(const char* step, const char* text) {
    for (; *text != '\0'; ++text) {
        char key = *text;
        if (key == '^' && text[1] != '\0')
            key = *++text == '^' ? '^' : (char)(*text & 0x1f);
        else if (key == '\\' && text[1] == 'n')
            key = *++text == 'n' ? '\r' : key;
        if (write(master, &key, 1) != 1)
            fail(step);
    }
}

static void become(char** command, const char* slave) {
    setsid();
    int tty = open(slave, O_RDWR);
    if (tty < 0 || ioctl(tty, TIOCSCTTY, 0) != 0)
        _exit(98);
    for (int fd = 0; fd < 3; ++fd)
        dup2(tty, fd);
    if (tty > 2)
        close(tty);
    execvp(command[0], command);
    _exit(127);
}

int main(int argc, char** argv) {
    int first = 1;
    while (first < argc && strcmp(argv[first], "--") != 0)
        ++first;
    if (first + 1 >= argc)
        return 2;
    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        return 98;
    struct winsize window = {.ws_row = 24, .ws_col = 80};
    ioctl(master, TIOCSWINSZ, &window);
    const char* slave = ptsname(master);
    child = fork();
    if (child == 0)
        become(argv + first + 1, slave);
    for (int i = 1; i < first; ++i) {
        char* step = argv[i];
        if (strncmp(step, "expect:", 7) == 0)
            expect(step, step + 7);
        else if (strncmp(step, "send:", 5) == 0)
            type(step, step + 5);
        else if (sscanf(step, "resize:%hu,%hu", &window.ws_row, &window.ws_col) == 2)
            ioctl(master, TIOCSWINSZ, &window);
        else if (strcmp(step, "hangup") == 0) {
            close(master);
            master = -1;
        } else
            return 2;
    }
    // Listen on, so that nobody there waits for us to read, until COMMAND has ended.
    long deadline = now_ms() + patience_ms;
    for (;;) {
        int status = 0;
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (now_ms() > deadline)
            fail("the end");
        if (master < 0 || hear(50) == 0)
            nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
}
