// Holds on to what it is given, and cannot be ended: hold DEVICE [FILE...]. It opens each FILE for writing, works in the
// directory of the first, and then reads DEVICE past the page cache, which lasts as long as the device takes.
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char** argv) {
    void* page;
    if (argc < 2)
        return 2;
    signal(SIGTERM, SIG_IGN);
    for (int i = 2; i < argc; i++)
        if (open(argv[i], O_WRONLY | O_CREAT, 0600) < 0)
            return perror(argv[i]), 1;
    if (argc > 2 && chdir(dirname(strdup(argv[2]))) != 0)
        return perror(argv[2]), 1;
    int device = open(argv[1], O_RDONLY | O_DIRECT);
    if (device < 0 || posix_memalign(&page, 4096, 4096) != 0 || pread(device, page, 4096, 0) < 0)
        return perror(argv[1]), 1;
    return 0;
}
