// Writes N numbered lines of 100 bytes, newline included, in pieces of 4,096 bytes as stdio does into a pipe.
//   bench_lines BOARD N [wait]    wait: begins when the board says go, after a line that says that it is there
#include "board.h"

#include <string.h>

enum { line_size = 100, piece_size = 4096 };

static char piece[piece_size + line_size];

static void put(const char* bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(1, bytes, size);
        if (written <= 0)
            exit(1);
        bytes += written;
        size -= (size_t)written;
    }
}

int main(int argc, char** argv) {
    if (argc < 3)
        return 2;
    struct board* board = open_board(argv[1]);
    unsigned count = (unsigned)atoi(argv[2]);
    struct timespec little = {0, 1000000};
    if (argc > 3)
        put("ready\n", 6);
    while (argc > 3 && __atomic_load_n(&board->go, __ATOMIC_SEQ_CST) == 0)
        nanosleep(&little, NULL);
    static const char filler[] =
        "the quick brown fox jumps over the lazy dog and writes a line of log of one hundred bytes.";
    board->work_begun = now_ns();
    size_t used = 0;
    for (unsigned i = 1; i <= count; ++i) {
        char* line = piece + used;
        for (unsigned digit = 8, rest = i; digit-- > 0; rest /= 10)
            line[digit] = (char)('0' + rest % 10);
        line[8] = ' ';
        memcpy(line + 9, filler, line_size - 10);
        line[line_size - 1] = '\n';
        used += line_size;
        if (used >= piece_size) {
            put(piece, piece_size);
            used -= piece_size;
            memcpy(piece, piece + piece_size, used);
        }
    }
    put(piece, used);
    board->work_ended = now_ns();
    return 0;
}
