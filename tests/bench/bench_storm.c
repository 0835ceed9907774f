// Makes N orphans that end all at once, and sees how long PID 1 takes to collect the last of them.
//   bench_storm BOARD N
#include "board.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

int main(int argc, char** argv) {
    if (argc < 3)
        return 2;
    struct board* board = open_board(argv[1]);
    int count = atoi(argv[2]), gate[2], news[2];
    if (pipe(gate) != 0 || pipe(news) != 0)
        return 1;
    pid_t parent = fork();
    if (parent == 0) {
        setpgid(0, 0); // so that the group can be asked after as one
        close(gate[1]);
        int made = 0;
        char byte;
        for (; made < count; ++made) {
            pid_t pid = fork();
            if (pid < 0)
                break;
            if (pid == 0) {
                close(news[1]);
                _exit((int)read(gate[0], &byte, 1));
            }
        }
        _exit(write(news[1], &made, sizeof made) != sizeof made);
    }
    int made = 0;
    if (read(news[0], &made, sizeof made) != sizeof made || made != count)
        fprintf(stderr, "bench_storm: only %d of %d processes could be made\n", made, count);
    waitpid(parent, NULL, 0);
    board->target = (uint32_t)made;
    board->work_begun = now_ns();
    close(gate[0]);
    close(gate[1]);
    // A zombie belongs to its group until it is collected.
    while (kill(-parent, 0) == 0) {
        struct timespec while_they_end = {0, 200000};
        nanosleep(&while_they_end, NULL);
    }
    board->work_ended = now_ns();
    if (argc > 3) // as a service: it has to be seen that it is still one
        for (;;)
            pause();
    return made != count;
}
