// The service that every init under test runs: says on the board that it is up, and waits for its end.
//   bench_service BOARD INDEX         runs until SIGTERM, and says that it got it
//   bench_service BOARD INDEX once    is done at once (a oneshot)
// Made without a C library (-DBARE -nostdlib): in a virtual machine the start of a glibc program, which asks the
// processor for its features dozens of times, costs several times what starting a process does, and would hide that.
#include "board.h"

#include <signal.h>
#include <sys/syscall.h>

#if defined(BARE) && defined(__x86_64__)

static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call begin\n  hlt\n"
        ".globl give_back\ngive_back:\n  mov $15, %eax\n  syscall\n");
extern void give_back(void); // rt_sigreturn

#elif defined(BARE)
#error "no system calls without a C library for this processor: compile without -DBARE"
#else

static long call(long number, long a, long b, long c, long d, long e, long f) {
    return syscall(number, a, b, c, d, e, f);
}

#endif

static struct board* board;

static uint64_t time_now(void) {
    struct timespec time;
    call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0, 0, 0, 0);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void stop(int signal) {
    (void)signal;
    if (__atomic_add_fetch(&board->stopped, 1, __ATOMIC_SEQ_CST) == board->target)
        board->all_stopped = time_now();
    call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

// What the kernel takes; libc's struct sigaction is another one.
struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

static int serve(int count, char** words) {
    if (count < 3)
        return 2;
    long fd = call(SYS_openat, AT_FDCWD, (long)words[1], O_RDWR | O_CLOEXEC, 0, 0, 0);
    long memory = call(SYS_mmap, 0, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || memory < 0)
        return 111;
    call(SYS_close, fd, 0, 0, 0, 0, 0);
    board = (struct board*)memory;
#ifdef BARE
    struct kernel_action action = {stop, 0x04000000 /* SA_RESTORER */, give_back, 0};
    call(SYS_rt_sigaction, SIGTERM, (long)&action, 0, 8, 0, 0);
#else
    signal(SIGTERM, stop);
#endif
    unsigned index = 0;
    for (const char* digit = words[2]; *digit >= '0' && *digit <= '9'; ++digit)
        index = index * 10 + (unsigned)(*digit - '0');
    struct slot* own = &board->slots[index % board_slots];
    own->started = time_now();
    __atomic_add_fetch(&own->starts, 1, __ATOMIC_SEQ_CST);
    if (__atomic_add_fetch(&board->started, 1, __ATOMIC_SEQ_CST) == board->target)
        board->all_started = own->started;
    while (count == 3)
        call(SYS_pause, 0, 0, 0, 0, 0, 0);
    return 0;
}

#ifdef BARE
__attribute__((used)) void begin(long* stack) {
    call(SYS_exit_group, serve((int)*stack, (char**)(stack + 1)), 0, 0, 0, 0, 0);
}
#else
int main(int argc, char** argv) { return serve(argc, argv); }
#endif
