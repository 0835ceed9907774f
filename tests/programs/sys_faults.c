// Runs a program whose system calls can be made to fail from outside, at any time, by any errno: the kernel asks us about each
// call of the kinds named (seccomp user notification), and we let it pass or answer for it.
//
//   sys_faults SOCKET CALL=ERRNO[,CALL=ERRNO...] -- PROGRAM [ARG...]
//
// ERRNO is that with which a call fails from the beginning, 0: it does not.
// Orders come as datagrams at SOCKET: `CALL ERRNO WHO` (numbers; WHO a PID of ours, 0 all, -PID all but that one), ERRNO 0 ends
// it, -1 holds up those who make the call until then. Each is answered with the number of calls that have failed by our
// doing so far, or are held up. Ends as the program does.
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_calls = 16, most_held = 64 };

static int calls[most_calls], failing[most_calls], whose[most_calls], count;
static unsigned long injected;
static struct {
    unsigned long long id;
    int call;
} held[most_held];
static int held_count;

static void die(const char* what) {
    perror(what);
    exit(99);
}

// Asks about the calls named, lets all others pass.
static int install(void) {
    struct sock_filter filter[most_calls + 8];
    int at = 0;
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < count; ++i)
        filter[at++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], (unsigned char)(count - i), 0);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    struct sock_fprog program = {(unsigned short)at, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        die("no new privileges");
    int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (fd < 0)
        die("seccomp");
    return fd;
}

static int concerns(int who, int pid) { return who == 0 || (who > 0 ? who == pid : -who != pid); }

static void answer(int listener) {
    struct seccomp_notif asked;
    memset(&asked, 0, sizeof asked);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0)
        return; // it was killed meanwhile
    struct seccomp_notif_resp said = {.id = asked.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    for (int i = 0; i < count; ++i)
        if (calls[i] == asked.data.nr && failing[i] != 0 && concerns(whose[i], (int)asked.pid)) {
            ++injected;
            if (failing[i] < 0 && held_count < most_held) {
                held[held_count].id = asked.id;
                held[held_count++].call = calls[i];
                return;
            }
            said.flags = 0;
            said.error = -failing[i];
        }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &said);
}

static void let_go(int listener, int call) {
    int left = 0;
    for (int i = 0; i < held_count; ++i)
        if (held[i].call == call) {
            struct seccomp_notif_resp said = {.id = held[i].id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
            ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &said);
        } else {
            held[left++] = held[i];
        }
    held_count = left;
}

static void obey(int orders, int listener) {
    char text[100], reply[40];
    struct sockaddr_un from;
    socklen_t size = sizeof from;
    ssize_t got = recvfrom(orders, text, sizeof text - 1, 0, (struct sockaddr*)&from, &size);
    if (got < 0)
        return;
    text[got] = 0;
    int call = 0, code = 0, who = 0;
    if (sscanf(text, "%d %d %d", &call, &code, &who) == 3)
        for (int i = 0; i < count; ++i)
            if (calls[i] == call) {
                failing[i] = code;
                whose[i] = who;
                if (code >= 0)
                    let_go(listener, call);
            }
    int length = snprintf(reply, sizeof reply, "%lu", injected);
    sendto(orders, reply, (size_t)length, 0, (struct sockaddr*)&from, size);
}

int main(int argc, char** argv) {
    if (argc < 5 || strcmp(argv[3], "--") != 0)
        return 2;
    for (char* word = strtok(argv[2], ","); word != NULL && count < most_calls; word = strtok(NULL, ","))
        if (sscanf(word, "%d=%d", &calls[count], &failing[count]) == 2)
            ++count;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
    int orders = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (orders < 0 || bind(orders, (struct sockaddr*)&address, sizeof address) != 0)
        die("bind");
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        die("socketpair");
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    // The program is what we were to be, PID and all; who answers is its child, and of the same life.
    pid_t parent = getpid();
    pid_t helper = fork();
    if (helper < 0)
        die("fork");
    if (helper != 0) {
        close(pair[0]);
        int listener = install();
        char bytes[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
        struct iovec part = {&byte, 1};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = bytes, .msg_controllen = sizeof bytes};
        struct cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &listener, sizeof listener);
        if (sendmsg(pair[1], &message, 0) < 0)
            die("sendmsg");
        sigprocmask(SIG_UNBLOCK, &child, NULL);
        close(listener);
        execvp(argv[4], argv + 4);
        die(argv[4]);
    }
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        return 1;
    close(pair[1]);
    char bytes[CMSG_SPACE(sizeof(int))], byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = bytes, .msg_controllen = sizeof bytes};
    if (recvmsg(pair[0], &message, MSG_CMSG_CLOEXEC) <= 0)
        return 1;
    int listener = -1;
    memcpy(&listener, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof listener);
    struct pollfd both[] = {{listener, POLLIN, 0}, {orders, POLLIN, 0}};
    for (;;) {
        if (poll(both, 2, -1) < 0)
            continue;
        if (both[1].revents & POLLIN)
            obey(orders, listener);
        if (both[0].revents & POLLIN)
            answer(listener);
        if (both[0].revents & (POLLHUP | POLLERR))
            return 0;
    }
}
