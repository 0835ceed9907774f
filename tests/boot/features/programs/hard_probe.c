// Tries what hardening forbids, and says how each try went: `TRY: ok`, `TRY: EROFS`, `TRY: VALUE`.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

static void say(const char* what, const char* with, long result) {
    printf("%s%s%s: %s\n", what, *with ? " " : "", with, result >= 0 ? "ok" : strerrorname_np(errno));
    fflush(stdout);
}

static long keep(long fd) {
    if (fd >= 0)
        close((int)fd);
    return fd;
}

static void list(const char* path) {
    struct dirent** names;
    int count = scandir(path, &names, NULL, alphasort);
    if (count < 0) {
        say("list", path, -1);
        return;
    }
    printf("list %s:", path);
    for (int i = 0; i < count; ++i)
        if (names[i]->d_name[0] != '.')
            printf(" %s", names[i]->d_name);
    printf("\n");
}

static void show_status(const char* field) {
    char line[512];
    FILE* file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
            printf("status %s: %s", field, line + strlen(field) + 2);
    if (file != NULL)
        fclose(file);
}

static void show_processors(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    printf("processors: %d, the first is %sours\n", CPU_COUNT(&set), CPU_ISSET(0, &set) ? "" : "not ");
}

static void show_schedule(void) {
    struct sched_param how;
    sched_getparam(0, &how);
    printf("schedule: %d %d\n", sched_getscheduler(0), how.sched_priority);
}

static void show_networks(void) {
    struct if_nameindex* all = if_nameindex();
    printf("networks:");
    for (struct if_nameindex* each = all; each != NULL && each->if_index != 0; ++each)
        printf(" %s", each->if_name);
    printf("\n");
}

// A datagram to ourselves over the loopback.
static long try_loopback(void) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof here;
    char byte = 'x';
    int one = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (one < 0 || bind(one, (struct sockaddr*)&here, sizeof here) != 0 ||
        getsockname(one, (struct sockaddr*)&here, &length) != 0 ||
        sendto(one, &byte, 1, 0, (struct sockaddr*)&here, sizeof here) != 1)
        return -1;
    return recv(one, &byte, 1, 0);
}

static void hold(const char* path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    say("make", path, keep(fd));
}

static void attempt(const char* what, const char* with) {
    errno = 0;
    if (strcmp(what, "make") == 0)
        hold(with);
    else if (strcmp(what, "read") == 0) {
        char byte;
        int fd = open(with, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        ssize_t got = fd < 0 ? -1 : read(fd, &byte, 1);
        if (got == 0)
            printf("read %s: empty\n", with);
        else
            say("read", with, got);
        keep(fd);
    } else if (strcmp(what, "write") == 0)
        say("write", with, keep(open(with, O_WRONLY | O_CLOEXEC | O_NONBLOCK)));
    else if (strcmp(what, "list") == 0)
        list(with);
    else if (strcmp(what, "status") == 0)
        show_status(with);
    else if (strcmp(what, "variable") == 0)
        printf("variable %s: %s\n", with, getenv(with) != NULL ? getenv(with) : "(unset)");
    else if (strcmp(what, "mode") == 0) {
        struct stat about;
        if (stat(with, &about) != 0)
            say("mode", with, -1);
        else
            printf("mode %s: %04o %d:%d\n", with, (unsigned)about.st_mode & 07777, (int)about.st_uid,
                   (int)about.st_gid);
    } else if (strcmp(what, "processors") == 0)
        show_processors();
    else if (strcmp(what, "schedule") == 0)
        show_schedule();
    else if (strcmp(what, "io-priority") == 0)
        printf("io-priority: %ld\n", syscall(SYS_ioprio_get, 1, 0));
    else if (strcmp(what, "networks") == 0)
        show_networks();
    else if (strcmp(what, "loopback") == 0)
        say(what, "", try_loopback());
    else if (strcmp(what, "chown") == 0)
        say(what, with, chown(with, 12, 34));
    else if (strcmp(what, "privileged-port") == 0) {
        struct sockaddr_in low = {.sin_family = AF_INET, .sin_port = htons(7), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        say(what, "", fd < 0 ? -1 : bind(fd, (struct sockaddr*)&low, sizeof low));
    } else if (strcmp(what, "clock") == 0) {
        struct timeval now;
        gettimeofday(&now, NULL);
        say(what, "", settimeofday(&now, NULL));
    } else if (strcmp(what, "mount") == 0)
        say(what, with, mount("none", with, "tmpfs", 0, NULL));
    else if (strcmp(what, "device") == 0)
        say(what, with, mknod(with, S_IFCHR | 0600, makedev(1, 1)));
    else if (strcmp(what, "trace") == 0)
        say(what, "", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    else if (strcmp(what, "unknown-call") == 0)
        say(what, "", syscall(2000));
    else if (strcmp(what, "append") == 0) { // what ARGUMENT names by way of /dev
        int fd = open(with, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (fd < 0)
            say(what, with, -1);
        else
            dprintf(fd, "append %s: ok\n", with);
    } else
        printf("%s: what is that?\n", what);
    fflush(stdout);
}

// Arguments: TRY or TRY=ARGUMENT, done in order.
int main(int count, char** arguments) {
    for (int i = 1; i < count; ++i) {
        char* with = strchr(arguments[i], '=');
        if (with != NULL)
            *with++ = 0;
        attempt(arguments[i], with != NULL ? with : "");
    }
    return 0;
}
