// Tells what state it was started in, one `key value` a line.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static void show_file(const char* key, const char* path) {
    char text[256] = "";
    FILE* file = fopen(path, "re");
    if (file != NULL) {
        if (fgets(text, sizeof text, file) == NULL)
            text[0] = 0;
        fclose(file);
    }
    text[strcspn(text, "\n")] = 0;
    printf("%s %s\n", key, text);
}

static void show_status(void) {
    char line[512];
    FILE* file = fopen("/proc/self/status", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "Sig", 3) == 0 || strncmp(line, "Shd", 3) == 0 || strncmp(line, "Cap", 3) == 0 ||
            strncmp(line, "NoNewPrivs", 10) == 0) {
            char* tab = strchr(line, ':');
            *tab = 0;
            tab[strcspn(tab + 1, "\n") + 1] = 0;
            printf("%s %s\n", line, tab + 2);
        }
    if (file != NULL)
        fclose(file);
}

static void show_descriptors(void) {
    DIR* listing = opendir("/proc/self/fd");
    struct dirent* entry;
    int open[64];
    int count = 0;
    while (listing != NULL && (entry = readdir(listing)) != NULL)
        if (atoi(entry->d_name) != dirfd(listing) && entry->d_name[0] != '.' && count < 64)
            open[count++] = atoi(entry->d_name);
    if (listing != NULL)
        closedir(listing);
    printf("fds");
    for (int i = 0; i < count; ++i)
        printf(" %d", open[i]);
    printf("\n");
    for (int i = 0; i < count; ++i) {
        char path[64];
        char target[256] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", open[i]);
        if (readlink(path, target, sizeof target - 1) < 0)
            target[0] = 0;
        printf("fd%d %s\n", open[i], target);
    }
}

int main(int count, char** arguments, char** environment) {
    char path[512];
    for (int i = 0; i < count; ++i)
        printf("arg%d %s\n", i, arguments[i]);
    for (int i = 0; environment[i] != NULL; ++i)
        printf("env %s\n", environment[i]);
    printf("session %s\n", getsid(0) == getpid() ? "own" : "other");
    printf("group %s\n", getpgrp() == getpid() ? "own" : "other");
    printf("cwd %s\n", getcwd(path, sizeof path) != NULL ? path : "?");
    mode_t mask = umask(0);
    printf("umask %04o\n", (unsigned)mask);
    printf("uid %d %d\n", (int)getuid(), (int)geteuid());
    printf("gid %d %d\n", (int)getgid(), (int)getegid());
    gid_t groups[64];
    int grouped = getgroups(64, groups);
    printf("groups");
    for (int i = 0; i < grouped; ++i)
        printf(" %d", (int)groups[i]);
    printf("\n");
    printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    printf("nofile %llu %llu\n", (unsigned long long)files.rlim_cur, (unsigned long long)files.rlim_max);
    int death = 0;
    prctl(PR_GET_PDEATHSIG, &death);
    printf("parent-death %d\n", death);
    printf("timer-slack %d\n", prctl(PR_GET_TIMERSLACK));
    show_file("oom", "/proc/self/oom_score_adj");
    show_file("coredump", "/proc/self/coredump_filter");
    show_status();
    show_descriptors();
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    printf("controlling %s\n", terminal >= 0 ? "yes" : "no");
    if (terminal >= 0)
        printf("foreground %s\n", tcgetpgrp(terminal) == getpgrp() ? "yes" : "no");
    printf("stdin-tty %s\n", isatty(0) ? "yes" : "no");
    return 0;
}
