// Leaves N orphans to its init, and exits 0 once none of them is left, not even as a zombie. Needs /proc.
//
//   entry_orphans N
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// How many children `parent` has, by /proc/PID/stat.
static int children_of(pid_t parent) {
    DIR* proc = opendir("/proc");
    int found = 0;
    if (proc == NULL)
        return -1;
    for (struct dirent* entry; (entry = readdir(proc)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        char path[300], line[512];
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE* file = fopen(path, "r");
        if (file == NULL)
            continue;
        char* name_end = fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
        int its_parent = 0;
        char state;
        if (name_end != NULL && sscanf(name_end + 1, " %c %d", &state, &its_parent) == 2 && its_parent == parent)
            ++found;
        fclose(file);
    }
    closedir(proc);
    return found;
}

int main(int argc, char** argv) {
    int wanted = argc > 1 ? atoi(argv[1]) : 1;
    pid_t init = getppid();
    for (int made = 0; made < wanted; ++made) {
        pid_t child = fork();
        if (child == 0) {
            if (fork() < 0)
                _exit(1);
            _exit(0); // both: the grandchild is an orphan, or a zombie that becomes one
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            return 2;
    }
    // We are init's only child that may be left. Nothing tells us when the last one is gone: look until it is.
    for (int tries = 0; tries < 2000; ++tries) {
        int left = children_of(init);
        if (left == 1)
            return 0;
        if (left < 0)
            return 2;
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    printf("%d orphans of %d left\n", children_of(init) - 1, wanted);
    return 1;
}
