// Runs one program as PID 1 of a PID namespace with its own /proc and mounts, without the capabilities by which an init
// could do harm to the machine, and writes on the board when it was executed and when it had ended.
//   bench_launch BOARD [--cgroup DIR | --no-cgroup] [--bind FROM TO]... OUTPUT PROG ARG...
// Prints the PID of PROG as seen from here. Exits as PROG does.
#include "board.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void must(int result, const char* doing) {
    if (result >= 0)
        return;
    perror(doing);
    exit(112);
}

static void write_file(const char* path, const char* text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    must(fd, path);
    must((int)write(fd, text, strlen(text)), path);
    close(fd);
}

// Who is not root becomes it in a user namespace.
static void become_able(int flags) {
    if (geteuid() == 0) {
        must(unshare(flags), "unshare");
        return;
    }
    char map[64];
    unsigned user = geteuid(), group = getegid();
    must(unshare(flags | CLONE_NEWUSER), "unshare");
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", user);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", group);
    write_file("/proc/self/gid_map", map);
}

static void drop_capabilities(void) {
    static const int harmful[] = {CAP_SYS_ADMIN, CAP_SYS_BOOT, CAP_SYS_TIME, CAP_SYS_MODULE};
    for (size_t i = 0; i < sizeof harmful / sizeof *harmful; ++i)
        must(prctl(PR_CAPBSET_DROP, harmful[i], 0, 0, 0), "drop capability");
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

int main(int argc, char** argv) {
    if (argc < 4)
        return 2;
    struct board* board = open_board(argv[1]);
    int at = 2, no_cgroup = 0, binds = at;
    if (strcmp(argv[at], "--cgroup") == 0) {
        char path[4096];
        must(mkdir(argv[at + 1], 0755), argv[at + 1]);
        snprintf(path, sizeof path, "%s/cgroup.procs", argv[at + 1]);
        write_file(path, "0");
        at += 2;
    } else if (strcmp(argv[at], "--no-cgroup") == 0) {
        no_cgroup = 1;
        ++at;
    }
    binds = at;
    while (strcmp(argv[at], "--bind") == 0)
        at += 3;
    become_able(CLONE_NEWPID | CLONE_NEWNS);
    pid_t pid = fork();
    must(pid, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
        must(mount("proc", "/proc", "proc", 0, NULL), "mount /proc");
        if (no_cgroup && access("/sys/fs/cgroup", F_OK) == 0)
            must(mount("none", "/sys/fs/cgroup", "tmpfs", MS_RDONLY, NULL), "hide cgroups");
        for (int i = binds; i < at; i += 3)
            must(mount(argv[i + 1], argv[i + 2], NULL, MS_BIND, NULL), argv[i + 2]);
        drop_capabilities();
        int output = open(argv[at], O_WRONLY | O_CREAT | O_APPEND, 0644);
        must(output, argv[at]);
        int null = open("/dev/null", O_RDONLY);
        must(null, "/dev/null");
        dup2(null, 0);
        dup2(output, 1);
        dup2(output, 2);
        close(null);
        close(output);
        board->begun = now_ns();
        execvp(argv[at + 1], argv + at + 1);
        perror(argv[at + 1]);
        _exit(127);
    }
    printf("%d\n", pid);
    fflush(stdout);
    int status = 0;
    must(waitpid(pid, &status, 0), "wait");
    board->ended = now_ns();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
