// System calls without the C library: no errno, no cancellation, no locks, no set-up. For code that cannot rely on a C
// library: a child that shares our memory until its exec (steps.cpp), and the executor image, which has none
// (executor.cpp).
#pragma once

#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>

namespace mi::os {

// Sanitizers must not instrument this code: their data about a child's stack would outlive the child, and the executor
// has no sanitizer runtime.
#define BARE __attribute__((no_sanitize("address", "undefined")))

namespace raw {

#if defined(__x86_64__) && !defined(__ILP32__)
BARE inline long call6(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    asm volatile("syscall"
                 : "=a"(result)
                 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}
#elif defined(__i386__)
BARE inline long call6(long number, long a, long b, long c, long d, long e, long f) {
    const long arguments[] = {a, f};
    long result;
    // Six arguments and the number need every register except esp; ebp and ebx are saved by hand.
    asm volatile("pushl %%ebp\n\t"
                 "pushl %%ebx\n\t"
                 "movl 4(%%ebx), %%ebp\n\t"
                 "movl (%%ebx), %%ebx\n\t"
                 "int $0x80\n\t"
                 "popl %%ebx\n\t"
                 "popl %%ebp"
                 : "=a"(result)
                 : "0"(number), "b"(arguments), "c"(b), "d"(c), "S"(d), "D"(e)
                 : "memory");
    return result;
}
#elif defined(__aarch64__)
BARE inline long call6(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    register long x3 asm("x3") = d;
    register long x4 asm("x4") = e;
    register long x5 asm("x5") = f;
    asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#elif defined(__arm__)
BARE inline long call6(long number, long a, long b, long c, long d, long e, long f) {
    register long r0 asm("r0") = a;
    register long r1 asm("r1") = b;
    register long r2 asm("r2") = c;
    register long r3 asm("r3") = d;
    register long r4 asm("r4") = e;
    register long r5 asm("r5") = f;
    // r7 holds the system call number, but is the frame pointer in Thumb code: save it by hand.
    asm volatile("push {r7}\n\t"
                 "mov r7, %[number]\n\t"
                 "svc #0\n\t"
                 "pop {r7}"
                 : "+r"(r0)
                 : [number] "r"(number), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5)
                 : "memory");
    return r0;
}
#elif defined(__riscv) && __riscv_xlen == 64
BARE inline long call6(long number, long a, long b, long c, long d, long e, long f) {
    register long a7 asm("a7") = number;
    register long a0 asm("a0") = a;
    register long a1 asm("a1") = b;
    register long a2 asm("a2") = c;
    register long a3 asm("a3") = d;
    register long a4 asm("a4") = e;
    register long a5 asm("a5") = f;
    asm volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
    return a0;
}
#else
#error "how does this architecture make a system call?"
#endif

BARE inline long word(long value) { return value; }
BARE inline long word(const void* value) { return reinterpret_cast<long>(value); }

} // namespace raw

// Makes the system call `number`. The result is the kernel's: a value from -4095 to -1 is -errno.
template <typename... Arguments>
BARE inline long call(long number, Arguments... arguments) {
    static_assert(sizeof...(Arguments) <= 6);
    const long all[6] = {raw::word(arguments)...};
    return raw::call6(number, all[0], all[1], all[2], all[3], all[4], all[5]);
}

// The kernel's O_LARGEFILE, for files beyond 2 GiB on 32-bit machines.
#if defined(__i386__)
constexpr int large_file = 0100000;
#elif defined(__arm__)
constexpr int large_file = 0400000;
#else
constexpr int large_file = 0;
#endif

// openat(2).
BARE inline long call_open(int above, const char* path, int flags, unsigned mode = 0) {
    return call(SYS_openat, above, path, flags | large_file, mode);
}

// strlen(3), which belongs to the C library.
BARE inline unsigned length_of(const char* text) {
    unsigned length = 0;
    while (text[length] != '\0')
        ++length;
    return length;
}

// Writes our pid in digits, with a NUL after them; at most 11 bytes.
BARE inline void write_own_pid(char* to) {
    auto own = static_cast<unsigned>(call(SYS_getpid));
    char digits[10];
    unsigned count = 0;
    do {
        digits[count++] = static_cast<char>('0' + own % 10);
    } while ((own /= 10) != 0 && count < sizeof digits);
    for (unsigned i = 0; i < count; ++i)
        to[i] = digits[count - 1 - i];
    to[count] = '\0';
}

BARE inline void call_close(int fd) {
    if (fd >= 0)
        call(SYS_close, fd);
}

} // namespace mi::os
