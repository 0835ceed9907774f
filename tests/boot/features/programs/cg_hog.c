// Eats memory. `cg_hog`: until it is killed. `cg_hog MIB`: so much, then stays. `cg_hog worker`: a child eats, and this
// tells of its end and stays.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void eat(long mib) {
    for (long i = 0; mib == 0 || i < mib; i++) {
        char* piece = malloc(1 << 20);
        if (piece)
            memset(piece, 1 + (int)(i & 63), 1 << 20);
    }
}

int main(int argc, char** argv) {
    if (argc > 1 && strcmp(argv[1], "worker") == 0) {
        pid_t child = fork();
        if (child == 0)
            eat(0);
        int status = 0;
        waitpid(child, &status, 0);
        printf("the worker ended by signal %d\n", WTERMSIG(status));
    } else {
        eat(argc > 1 ? atol(argv[1]) : 0);
        puts("eaten");
    }
    fflush(stdout);
    for (;;)
        pause();
}
