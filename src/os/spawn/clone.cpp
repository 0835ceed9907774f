// Calls clone(2) and clone3(2), and waits until the exec of the child.
#include "os/spawn/clone.hpp"

#include "base/clock.hpp"

#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <new>

namespace mi::os {
namespace {

constexpr std::size_t stack_size = 64 * 1024;
constexpr std::size_t guard_size = 64 * 1024;         // bytes; at least one page for any page size
constexpr std::uint64_t into_cgroup = 0x200000000ULL; // CLONE_INTO_CGROUP, Linux 5.7

int enter_from_clone(void* errand) {
    const auto* chosen = static_cast<const Errand*>(errand);
    chosen->enter(chosen->with);
    return 127;
}

// clone3(2) onto a separate stack, for which libc has no function. Returns -1 and ENOSYS on architectures for which we
// have not written one.
long clone3_onto_stack([[maybe_unused]] clone_args& args, [[maybe_unused]] const Errand& errand) {
#if defined(__x86_64__)
    long result = 0;
    register void (*entry)(void*) asm("r8") = errand.enter;
    register void* argument asm("r9") = errand.with;
    asm volatile("syscall\n\t"
                 "testq %%rax, %%rax\n\t"
                 "jnz 1f\n\t"
                 "xorl %%ebp, %%ebp\n\t"
                 "movq %%r9, %%rdi\n\t"
                 "callq *%%r8\n\t"
                 "ud2\n"
                 "1:"
                 : "=a"(result)
                 : "0"(static_cast<long>(SYS_clone3)), "D"(&args), "S"(sizeof args), "r"(entry), "r"(argument)
                 : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long result asm("x0") = reinterpret_cast<long>(&args);
    register long size asm("x1") = sizeof args;
    register long number asm("x8") = SYS_clone3;
    register void (*entry)(void*) asm("x9") = errand.enter;
    register void* argument asm("x10") = errand.with;
    asm volatile("svc #0\n\t"
                 "cbnz x0, 1f\n\t"
                 "mov x29, #0\n\t"
                 "mov x0, x10\n\t"
                 "blr x9\n\t"
                 "brk #1\n"
                 "1:"
                 : "+r"(result)
                 : "r"(size), "r"(number), "r"(entry), "r"(argument)
                 : "memory");
#else
    long result = -ENOSYS;
#endif
    if (result >= 0)
        return result;
    errno = static_cast<int>(-result);
    return -1;
}

} // namespace

Result<Stack> Stack::make() {
    Stack stack;
    void* base = ::mmap(nullptr, guard_size + stack_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (base == MAP_FAILED)
        return fault(errno, "map a stack");
    stack.base_ = static_cast<char*>(base);
    if (::mprotect(base, guard_size, PROT_NONE) != 0)
        return fault(errno, "guard a stack");
    return stack;
}

Stack::~Stack() {
    if (base_ != nullptr)
        ::munmap(base_, guard_size + stack_size);
}

char* Stack::bottom() const { return base_ + guard_size; }
std::size_t Stack::size() const { return stack_size; }

long clone_borrowing(const Stack& stack, Errand errand, bool share_descriptors, int cgroup) {
    __atomic_store_n(stack.occupied(), 1U, __ATOMIC_SEQ_CST);
    int flags = CLONE_VM | CLONE_CHILD_CLEARTID | (share_descriptors ? CLONE_FILES : 0);
    auto answer = [&](long child) {
        if (child < 0)
            __atomic_store_n(stack.occupied(), 0U, __ATOMIC_SEQ_CST);
        return child;
    };
    if (cgroup < 0) {
        // The errand is on the child's own stack, because our stack frame may be gone before the child reads it.
        char* top = stack.bottom() + stack.size() - 64;
        Errand* kept = new (top) Errand(errand);
        return answer(::clone(enter_from_clone, top, flags | SIGCHLD, kept, nullptr, nullptr, stack.occupied()));
    }
    clone_args args{};
    args.flags = static_cast<std::uint64_t>(flags) | into_cgroup;
    args.child_tid = reinterpret_cast<std::uintptr_t>(stack.occupied());
    args.exit_signal = SIGCHLD;
    args.stack = reinterpret_cast<std::uintptr_t>(stack.bottom());
    args.stack_size = stack.size();
    args.cgroup = static_cast<std::uint64_t>(cgroup);
    return answer(clone3_onto_stack(args, errand));
}

bool is_gone(const Stack& stack) { return __atomic_load_n(stack.occupied(), __ATOMIC_SEQ_CST) == 0; }

bool wait_until_gone(const Stack& stack, Span patience) {
    if (is_gone(stack))
        return true;
    const Span end = monotonic_now().since_boot + patience;
    // In the form of this system call: on 32-bit machines the C library's struct may have wider seconds.
    const long until[] = {static_cast<long>(end / std::chrono::seconds(1)),
                          static_cast<long>((end % std::chrono::seconds(1)).count())};
    while (!is_gone(stack)) {
        // FUTEX_WAIT_BITSET takes an absolute time. The kernel's wake-up at exec uses the shared form, so not
        // FUTEX_PRIVATE.
        const long woken =
            ::syscall(SYS_futex, stack.occupied(), FUTEX_WAIT_BITSET, 1U, until, nullptr, FUTEX_BITSET_MATCH_ANY);
        if (woken != 0 && errno == ETIMEDOUT)
            return is_gone(stack);
    }
    return true;
}

} // namespace mi::os
