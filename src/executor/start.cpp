// The parts that a program without a C library must supply: its entry, and functions that the compiler calls
// implicitly.
#include <cstddef>

#if defined(__x86_64__)
asm(".globl _start\n_start:\n\txorl %ebp, %ebp\n\tmovq %rsp, %rdi\n\tandq $-16, %rsp\n\tcall start_executor\n\tud2\n");
#elif defined(__i386__)
asm(".globl _start\n_start:\n\txorl %ebp, %ebp\n\tmovl %esp, %eax\n\tandl $-16, %esp\n\tsubl $12, %esp\n\tpushl "
    "%eax\n\t"
    "call start_executor\n\tud2\n");
#elif defined(__aarch64__)
asm(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tmov x0, sp\n\tand x9, x0, #-16\n\tmov sp, x9\n\t"
    "bl start_executor\n\tbrk #1\n");
#elif defined(__arm__)
asm(".globl _start\n.type _start, %function\n.arm\n_start:\n\tmov r11, #0\n\tmov lr, #0\n\tmov r0, sp\n\tbic sp, sp, "
    "#7\n\t"
    "bl start_executor\n\tudf #0\n");
#elif defined(__riscv)
asm(".globl _start\n_start:\n\tmv a0, sp\n\tandi sp, sp, -16\n\tcall start_executor\n\tebreak\n");
#endif

extern "C" {

__attribute__((used)) void* memset(void* to, int value, std::size_t count) {
    // Volatile: otherwise the compiler would turn the loop into a call of this function.
    auto* bytes = static_cast<volatile char*>(to);
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = static_cast<char>(value);
    return to;
}

__attribute__((used)) void* memcpy(void* to, const void* from, std::size_t count) {
    auto* bytes = static_cast<volatile char*>(to);
    const auto* source = static_cast<const char*>(from);
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = source[i];
    return to;
}

__attribute__((used)) void* memmove(void* to, const void* from, std::size_t count) {
    auto* bytes = static_cast<volatile char*>(to);
    const auto* source = static_cast<const char*>(from);
    if (to <= from)
        return memcpy(to, from, count);
    while (count-- > 0)
        bytes[count] = source[count];
    return to;
}

#if defined(__arm__)
// On ARM, division is a library function of the compiler, which calls this for a zero divisor. Our code never divides
// by zero.
__attribute__((used)) int raise(int) { __builtin_trap(); }
#endif

} // extern "C"
