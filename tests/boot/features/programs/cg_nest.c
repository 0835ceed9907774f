// Manages its own cgroups, as delegation wants it: moves into a nested one, hands controllers down, and limits a second
// one, in which a child of it lives. Says what it could not do.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char own[512];

static int put(const char* file, const char* text) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", own, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int failed = fd < 0 || write(fd, text, strlen(text)) < 0;
    if (failed)
        printf("%s: %s\n", file, strerror(errno));
    if (fd >= 0)
        close(fd);
    return failed;
}

int main(void) {
    char line[256], path[1024];
    FILE* file = fopen("/proc/self/cgroup", "r");
    if (!file || !fgets(line, sizeof line, file))
        return 1;
    fclose(file);
    line[strcspn(line, "\n")] = 0;
    snprintf(own, sizeof own, "/sys/fs/cgroup%s", line + 3);
    for (const char** name = (const char*[]){"inner", "outer", NULL}; *name; name++) {
        snprintf(path, sizeof path, "%s/%s", own, *name);
        if (mkdir(path, 0755) != 0)
            printf("mkdir %s: %s\n", *name, strerror(errno));
    }
    int failed =
        put("inner/cgroup.procs", "0") + put("cgroup.subtree_control", "+memory +pids") + put("outer/pids.max", "5");
    if (fork() == 0) {
        failed += put("outer/cgroup.procs", "0");
        puts(failed ? "not nested" : "nested");
        fflush(stdout);
        setsid();
    }
    puts(put("memory.max", "max") ? "its own limit is out of its reach" : "it changed its own limit");
    fflush(stdout);
    for (;;)
        pause();
}
