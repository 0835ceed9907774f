// Compiles names of system calls, and rules about what is passed to them, into the program that the kernel runs at each
// call. The rules are asked first, one after the other. The call numbers are divided into ranges with the same answer, and
// what follows is a balanced tree of comparisons with the starts of the ranges: at most nine comparisons for each call.
#include "os/spawn/confine.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/shm.h>

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

constexpr std::uint32_t refuse(int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); }

// One thing that an argument of a call is asked. Every argument that is asked for is an int or flags: what is above 32 bits the
// kernel does not look at either.
struct Test {
    unsigned argument;
    std::uint16_t compare; // BPF_JEQ: it is `value`; BPF_JSET: it has a bit of `value`
    std::uint32_t value;
};

// Rules that are asked one after the other, before the tree: each compares the number of the call, and leaves it loaded.
class Rules {
public:
    explicit Rules(Program& program) : program_(program) {}

    // The call is answered with `action` if all tests hold; without any, always.
    void deny(std::string_view call, std::initializer_list<Test> tests, std::uint32_t action = refuse(EPERM)) {
        Program body;
        // What follows a test: one jump of the others, this one's answer, and the number loaded anew.
        for (std::size_t left = tests.size(); const Test& test : tests) {
            body.push_back(load_argument(test.argument));
            body.push_back(
                BPF_JUMP(BPF_JMP | test.compare | BPF_K, test.value, 0, static_cast<std::uint8_t>(2 * --left + 1)));
        }
        body.push_back(BPF_STMT(answer, action));
        add(call, std::move(body), !std::empty(tests));
    }
    // It is denied if its argument, without the bits of `but`, is none (`any`: one) of `values`.
    void deny_values(std::string_view call, unsigned argument, std::span<const std::uint32_t> values, bool any,
                     std::uint32_t action = refuse(EPERM), std::uint32_t but = 0) {
        Program body{load_argument(argument), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~but)};
        const std::size_t count = values.size();
        for (std::size_t i = 0; i < count; ++i)
            body.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, values[i], static_cast<std::uint8_t>(count - i),
                                    0)); // past the others and one more
        if (any)                         // none of them: past the answer
            body.push_back(BPF_STMT(go, 1));
        body.push_back(BPF_STMT(answer, action));
        add(call, std::move(body), true);
    }

private:
    static sock_filter load_argument(unsigned number) {
        return BPF_STMT(load, static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * number)); // its low half
    }
    void add(std::string_view call, Program body, bool reload) {
        if (reload)
            body.push_back(BPF_STMT(load, offsetof(seccomp_data, nr)));
        for (const int number : call_numbers(call)) {
            program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0,
                                        static_cast<std::uint8_t>(body.size())));
            program_.insert(program_.end(), body.begin(), body.end());
        }
    }

    Program& program_;
};

void restrict_suid_sgid(Rules& rules) {
    constexpr std::uint32_t bits = 06000, making = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);
    struct {
        std::string_view call;
        unsigned mode; // the argument
    } constexpr calls[] = {{"chmod", 1},   {"fchmod", 1}, {"fchmodat", 2}, {"fchmodat2", 2}, {"mkdir", 1},
                           {"mkdirat", 2}, {"mknod", 1},  {"mknodat", 2},  {"creat", 1}};
    for (const auto& each : calls)
        rules.deny(each.call, {{each.mode, BPF_JSET, bits}});
    rules.deny("open", {{1, BPF_JSET, making}, {2, BPF_JSET, bits}});
    rules.deny("openat", {{2, BPF_JSET, making}, {3, BPF_JSET, bits}});
    rules.deny("openat2", {}, refuse(ENOSYS));
}

void restrict_namespaces(Rules& rules, std::uint32_t kinds) {
    rules.deny("unshare", {{0, BPF_JSET, kinds}});
    rules.deny("clone", {{0, BPF_JSET, kinds}});
    rules.deny("clone3", {}, refuse(ENOSYS));
    rules.deny("setns", {{1, BPF_JEQ, 0}}); // whichever kind the descriptor is of
    rules.deny("setns", {{1, BPF_JSET, kinds}});
}

void add_rules(Program& program, const CallRestrictions& wanted) {
    Rules rules(program);
    if (wanted.realtime) {
        constexpr std::uint32_t usual[] = {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE};
        rules.deny_values("sched_setscheduler", 1, usual, false, refuse(EPERM), SCHED_RESET_ON_FORK);
    }
    if (wanted.suid_sgid)
        restrict_suid_sgid(rules);
    if (wanted.personality) {
        constexpr std::uint32_t harmless[] = {0, 0xffffffff}; // the usual one, and the question which it is
        rules.deny_values("personality", 0, harmless, false);
    }
    if (wanted.write_execute) {
        rules.deny("mmap", {{2, BPF_JSET, PROT_WRITE}, {2, BPF_JSET, PROT_EXEC}});
        rules.deny("mprotect", {{2, BPF_JSET, PROT_EXEC}});
        rules.deny("pkey_mprotect", {{2, BPF_JSET, PROT_EXEC}});
        rules.deny("shmat", {{2, BPF_JSET, SHM_EXEC}});
    }
    if (wanted.hostname) {
        rules.deny("sethostname", {});
        rules.deny("setdomainname", {});
    }
    if (wanted.families_allow || !wanted.families.empty()) {
        const std::vector<std::uint32_t> numbers(wanted.families.begin(), wanted.families.end());
        rules.deny_values("socket", 0, numbers, !wanted.families_allow, refuse(EAFNOSUPPORT));
    }
    if (wanted.namespaces != 0)
        restrict_namespaces(rules, wanted.namespaces);
}

} // namespace

std::shared_ptr<const SystemCallFilter> make_filter(const CallFilter& wanted, int error,
                                                    const CallRestrictions& restricted) {
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
    add_rules(filter->program, restricted);
    const Program answers = tree(stretches);
    filter->program.insert(filter->program.end(), answers.begin(), answers.end());
    return filter;
}

} // namespace mi::os
