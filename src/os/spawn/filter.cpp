// Compiles names of system calls into the program that the kernel runs at each call. The call numbers are divided into
// ranges with the same answer, and the program is a balanced tree of comparisons with the starts of the ranges: at most
// nine comparisons for each call.
#include "os/spawn/confine.hpp"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <map>
#include <span>

namespace mi::os {
namespace {

#if defined __x86_64__ && !defined __ILP32__
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined __i386__
constexpr std::uint32_t architecture = AUDIT_ARCH_I386;
#elif defined __aarch64__
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#elif defined __arm__
constexpr std::uint32_t architecture = AUDIT_ARCH_ARM;
#elif defined __riscv && __riscv_xlen == 64
constexpr std::uint32_t architecture = AUDIT_ARCH_RISCV64;
#else
#error "which AUDIT_ARCH_ of <linux/audit.h> is this?"
#endif
static_assert(std::endian::native == std::endian::little,
              "AUDIT_ARCH_AARCH64 and AUDIT_ARCH_ARM are those of little endian");

constexpr std::uint16_t load = BPF_LD | BPF_W | BPF_ABS, answer = BPF_RET | BPF_K, go = BPF_JMP | BPF_JA;

// A range of call numbers, from `begin` to the start of the next one.
struct Stretch {
    std::uint32_t begin, action;
};

using Program = std::vector<sock_filter>;

Program tree(std::span<const Stretch> stretches) {
    if (stretches.size() == 1)
        return {BPF_STMT(answer, stretches.front().action)};
    const std::size_t middle = stretches.size() / 2;
    const Program below = tree(stretches.first(middle)), above = tree(stretches.subspan(middle));
    const std::uint32_t bound = stretches[middle].begin;
    const auto far = static_cast<std::uint32_t>(below.size());
    Program program;
    if (far <= 255) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, bound, static_cast<std::uint8_t>(far), 0));
    } else { // a comparison cannot jump farther
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, bound, 0, 1));
        program.push_back(BPF_STMT(go, far));
    }
    program.insert(program.end(), below.begin(), below.end());
    program.insert(program.end(), above.begin(), above.end());
    return program;
}

} // namespace

std::shared_ptr<const SystemCallFilter> make_filter(const CallFilter& wanted, int error) {
    const std::uint32_t denied = error != 0 ? SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(error) & SECCOMP_RET_DATA)
                                            : SECCOMP_RET_KILL_PROCESS;
    const std::uint32_t otherwise =
        wanted.allows ? SECCOMP_RET_ERRNO | std::uint32_t{ENOSYS} : std::uint32_t{SECCOMP_RET_ALLOW};

    std::map<std::uint32_t, std::uint32_t> actions; // by call number
    for (std::string_view call : wanted.allows ? known_calls() : wanted.calls)
        for (const int number : call_numbers(call)) // none if this architecture has no such call
            actions[static_cast<std::uint32_t>(number)] =
                wanted.allows && std::ranges::binary_search(wanted.calls, call) ? SECCOMP_RET_ALLOW : denied;

    std::vector<Stretch> stretches{{0, otherwise}};
    auto from_here = [&](std::uint32_t number, std::uint32_t action) {
        if (stretches.back().begin == number)
            stretches.pop_back();
        if (stretches.empty() || stretches.back().action != action)
            stretches.push_back({number, action});
    };
    for (auto [number, action] : actions) {
        from_here(number, action);
        from_here(number + 1, otherwise);
    }
#ifdef __x86_64__
    // Denies the calls of x32, which have the same architecture. A tracer writes -1 to skip a call, so that is allowed.
    from_here(0x40000000, denied);
    from_here(0xffffffff, otherwise);
#endif

    auto filter = std::make_shared<SystemCallFilter>();
    filter->program = {
        BPF_STMT(load, offsetof(seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0),
        BPF_STMT(answer, denied),
        BPF_STMT(load, offsetof(seccomp_data, nr)),
    };
    const Program answers = tree(stretches);
    filter->program.insert(filter->program.end(), answers.begin(), answers.end());
    return filter;
}

} // namespace mi::os
