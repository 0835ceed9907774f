// The board on which the benchmark's processes write what happened when: one file, mapped by all of them, so that
// telling costs each an open, an mmap and an atomic addition, whoever started it. Times are CLOCK_MONOTONIC in
// nanoseconds, which all namespaces share. scripts/bench knows this layout (tests/bench/harness.py).
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { board_slots = 8192 };

struct slot {
    uint64_t started; // time of the last start
    uint64_t starts;  // how many there were
};

struct board {
    uint32_t target;      // of `started` and `stopped`
    uint32_t started;     // services that came up, restarts included
    uint32_t stopped;     // services that were asked to stop
    uint32_t go;          // set by scripts/bench to let a waiting program begin
    uint64_t begun;       // the program under test was executed
    uint64_t all_started; // `started` reached `target`
    uint64_t all_stopped; // `stopped` reached `target`
    uint64_t ended;       // the program under test had ended and been collected
    uint64_t work_begun;  // a working program (storm, lines) began
    uint64_t work_ended;
    uint64_t reserved[4];
    struct slot slots[board_slots];
};

static inline uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline struct board* open_board(const char* path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void* memory = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        perror(path);
        exit(111);
    }
    close(fd);
    return memory;
}
