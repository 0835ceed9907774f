// Writes numbered lines as a service does, for tests and measurements of the log collector.
//
// log_writer TAG LINES LENGTH [MODE]: LINES lines `TAG NUMBER xxxx…` of LENGTH bytes each, line end included, to
// stdout. MODE: `block` (default) fills blocks of 64 KiB, lines cut anywhere, as a program with buffered output does;
// `line` makes one write for each line; `both` is `line`, even lines to stdout and odd ones to stderr. Exits 1 if a
// write fails.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(int fd, const char* bytes, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            exit(1);
        bytes += n;
        size -= (size_t)n;
    }
}

int main(int argc, char** argv) {
    if (argc < 4)
        return 2;
    const char *tag = argv[1], *mode = argc > 4 ? argv[4] : "block";
    const size_t tag_size = strlen(tag), length = strtoul(argv[3], NULL, 10);
    const unsigned long lines = strtoul(argv[2], NULL, 10);
    enum { block_size = 65536, digits = 9 };
    static char block[block_size];
    if (length < tag_size + 1 + digits + 2 || length > block_size)
        return 2;
    char* line = malloc(length);
    if (line == NULL)
        return 1;
    memcpy(line, tag, tag_size);
    line[tag_size] = ' ';
    memset(line + tag_size + 1, '0', digits);
    memset(line + tag_size + 1 + digits, 'x', length - tag_size - 1 - digits);
    line[tag_size + 1 + digits] = ' ';
    line[length - 1] = '\n';
    size_t used = 0;
    for (unsigned long number = 0; number < lines; ++number) {
        if (strcmp(mode, "block") != 0) {
            put(strcmp(mode, "both") == 0 && number % 2 == 1 ? 2 : 1, line, length);
        } else {
            size_t first = length < block_size - used ? length : block_size - used;
            memcpy(block + used, line, first);
            used += first;
            if (used == block_size) {
                put(1, block, used);
                used = length - first;
                memcpy(block, line + first, used);
            }
        }
        for (char* digit = line + tag_size + digits; *digit == '9' ? (*digit = '0', 1) : (++*digit, 0); --digit) {
        }
    }
    put(1, block, used);
    free(line);
    return 0;
}
