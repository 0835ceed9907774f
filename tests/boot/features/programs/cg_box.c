// A container as a runtime makes one, in as few words as possible: `cg_box DIRECTORY COMMAND...` runs COMMAND as PID 1 of
// its own namespaces for processes, mounts and cgroups, in a cgroup of its own below DIRECTORY, and ends as it ends.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
    if (argc < 3)
        return 2;
    char inside[512];
    snprintf(inside, sizeof inside, "%s/cgroup.procs", argv[1]);
    mkdir(argv[1], 0755);
    int box = open(inside, O_WRONLY | O_CLOEXEC), outside = open("/sys/fs/cgroup/cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (write(box, "0", 1) < 0 || unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWCGROUP) != 0) {
        perror("cg_box");
        return 1;
    }
    pid_t child = fork();
    if (child == 0) {
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
        if (mount("proc", "/proc", "proc", 0, NULL) != 0 || umount2("/sys/fs/cgroup", MNT_DETACH) != 0 ||
            mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) != 0)
            perror("cg_box: mount");
        execv(argv[2], argv + 2);
        perror("cg_box: exec");
        _exit(1);
    }
    // The runtime itself is not in the container's cgroup.
    if (write(outside, "0", 1) < 0)
        perror("cg_box: leave");
    int status = 0;
    signal(SIGTERM, SIG_IGN);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
