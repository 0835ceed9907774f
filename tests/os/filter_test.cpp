// What the kernel will answer to each call, by running the program of a filter as the kernel does. That the kernel takes such
// a program and acts on it is shown in confine_test.cpp.
#include "os/spawn/confine.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <map>

using namespace mi;
using namespace mi::os;

namespace {

#if defined __x86_64__
constexpr std::uint32_t ours = AUDIT_ARCH_X86_64, another = AUDIT_ARCH_I386;
#elif defined __aarch64__
constexpr std::uint32_t ours = AUDIT_ARCH_AARCH64, another = AUDIT_ARCH_ARM;
#elif defined __arm__
constexpr std::uint32_t ours = AUDIT_ARCH_ARM, another = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t ours = AUDIT_ARCH_RISCV64, another = AUDIT_ARCH_X86_64;
#endif

constexpr std::uint32_t allowed = SECCOMP_RET_ALLOW, killed = SECCOMP_RET_KILL_PROCESS;
constexpr std::uint32_t refused(int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); }

struct Verdict {
    std::uint32_t action = 0;
    int comparisons = 0;
};

// Nothing for a program that the kernel would not take: a jump or a load out of bounds, an end without an answer.
std::optional<Verdict> run(const std::vector<sock_filter>& program, std::uint32_t number, std::uint32_t arch = ours,
                           std::span<const std::uint32_t> arguments = {}) {
    std::uint32_t accumulator = 0;
    Verdict verdict;
    for (std::size_t at = 0; at < program.size(); ++at) {
        const sock_filter& step = program[at];
        switch (step.code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (step.k == offsetof(seccomp_data, arch))
                accumulator = arch;
            else if (step.k == offsetof(seccomp_data, nr))
                accumulator = number;
            else if (step.k >= offsetof(seccomp_data, args) && step.k % 8 == 0 &&
                     (step.k - offsetof(seccomp_data, args)) / 8 < arguments.size())
                accumulator = arguments[(step.k - offsetof(seccomp_data, args)) / 8];
            else
                return std::nullopt;
            break;
        case BPF_ALU | BPF_AND | BPF_K: accumulator &= step.k; break;
        case BPF_JMP | BPF_JSET | BPF_K: at += (accumulator & step.k) != 0 ? step.jt : step.jf; break;
        case BPF_JMP | BPF_JEQ | BPF_K: at += accumulator == step.k ? step.jt : step.jf; break;
        case BPF_JMP | BPF_JGE | BPF_K:
            ++verdict.comparisons;
            at += accumulator >= step.k ? step.jt : step.jf;
            break;
        case BPF_JMP | BPF_JA: at += step.k; break;
        case BPF_RET | BPF_K: verdict.action = step.k; return verdict;
        default: return std::nullopt;
        }
    }
    return std::nullopt;
}

std::uint32_t action(const SystemCallFilter& filter, std::uint32_t number, std::uint32_t arch = ours) {
    auto verdict = run(filter.program, number, arch);
    REQUIRE(verdict);
    CHECK(verdict->comparisons <= 10);
    return verdict->action;
}

// What every number that there may be has to be answered with.
void check_all(const CallFilter& wanted, int error) {
    auto filter = make_filter(wanted, error);
    REQUIRE(filter->program.size() <= BPF_MAXINSNS);
    const std::uint32_t denied = error != 0 ? refused(error) : killed;
    const std::uint32_t otherwise = wanted.allows ? refused(ENOSYS) : allowed;
    std::map<std::uint32_t, std::uint32_t> expected;
    for (std::string_view call : known_calls())
        if (call_number(call) >= 0) {
            const bool listed = std::ranges::binary_search(wanted.calls, call);
            expected[static_cast<std::uint32_t>(call_number(call))] = wanted.allows == listed ? allowed : denied;
        }
    for (std::uint32_t number = 0; number < 2000; ++number) {
        CAPTURE(number);
        auto found = expected.find(number);
        REQUIRE(action(*filter, number) == (found != expected.end() ? found->second : otherwise));
    }
    for (std::uint32_t number : {0u, 1u, 59u, 0x40000000u, 0xffffffffu})
        CHECK(action(*filter, number, another) == denied);
    CHECK(action(*filter, 0x3fffffff) == otherwise);
    CHECK(action(*filter, 0xffffffff) == otherwise);
#ifdef __x86_64__
    for (std::uint32_t number : {0x40000000u, 0x40000001u, 0x40000208u, 0x80000000u, 0xfffffffeu})
        CHECK(action(*filter, number) == denied);
#endif
}

} // namespace

TEST_CASE("a filter answers every number as the list says, another architecture's calls with a denial") {
    for (int error : {0, EPERM, 4095}) {
        CAPTURE(error);
        for (const CallGroup& group : call_groups())
            for (std::string sign : {"@", "!@"}) {
                std::string word = sign + std::string(group.name);
                CAPTURE(word);
                check_all(call_filter(std::vector{word}), error);
            }
        check_all(call_filter(std::vector<std::string>{"@system-service", "!umask", "!@network-io"}), error);
        check_all(call_filter(std::vector<std::string>{"!umask"}), error);
    }
}

TEST_CASE("a filter as ragged as can be is still one that the kernel takes, ten comparisons deep at most") {
    CallFilter every_other;
    std::map<int, std::string_view> by_number;
    for (std::string_view call : known_calls())
        by_number[call_number(call)] = call;
    bool take = false;
    for (auto [number, call] : by_number)
        if (number >= 0 && (take = !take))
            every_other.calls.push_back(call);
    std::ranges::sort(every_other.calls);
    CHECK(make_filter(every_other, EPERM)->program.size() > 600); // longer than a comparison can jump
    check_all(every_other, EPERM);
    every_other.allows = false;
    check_all(every_other, 0);
}

TEST_CASE("the calls have the kernel's numbers, also those that the headers may be too old for") {
    CHECK(call_number("read") == SYS_read);
    CHECK(call_number("execve") == SYS_execve);
    CHECK(call_number("close_range") == SYS_close_range);
    CHECK(call_number("mseal") == 462);
    CHECK(call_number("removexattrat") == 466);
    CHECK(call_number("no_such_call") == -1);
    CHECK(call_number("") == -1);
    std::map<int, std::string_view> seen;
    for (std::string_view call : known_calls())
        if (int number = call_number(call); number >= 0) {
            CAPTURE(call);
            CHECK(seen.emplace(number, call).second);
        }
    CHECK(seen.size() > 250);
}

namespace {

// The answer to a call with these arguments, of a filter that only looks at arguments.
std::uint32_t answer_to(const CallRestrictions& restricted, std::string_view call,
                        std::initializer_list<std::uint32_t> arguments) {
    std::vector<std::uint32_t> all(arguments);
    all.resize(6);
    const auto filter = make_filter({.allows = false, .calls = {}}, EPERM, restricted);
    CAPTURE(call);
    REQUIRE(call_number(call) >= 0);
    const auto verdict = run(filter->program, static_cast<std::uint32_t>(call_number(call)), ours, all);
    REQUIRE(verdict);
    return verdict->action;
}

} // namespace

TEST_CASE("real-time policies are denied, with and without the flag that children do not inherit them") {
    const CallRestrictions realtime{.realtime = true};
    for (const std::uint32_t policy : {SCHED_FIFO, SCHED_RR, 6, SCHED_FIFO | SCHED_RESET_ON_FORK, 99})
        CHECK(answer_to(realtime, "sched_setscheduler", {0, policy}) == refused(EPERM));
    for (const std::uint32_t policy : {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_IDLE | SCHED_RESET_ON_FORK})
        CHECK(answer_to(realtime, "sched_setscheduler", {0, policy}) == allowed);
    CHECK(answer_to(realtime, "read", {1, 1, 1}) == allowed);
}

TEST_CASE("set-user-ID and set-group-ID bits are denied wherever a mode makes them") {
    const CallRestrictions suid{.suid_sgid = true};
    for (const std::uint32_t mode : {04755, 02755, 06000}) {
        CHECK(answer_to(suid, "fchmodat", {0, 0, mode}) == refused(EPERM));
        CHECK(answer_to(suid, "fchmod", {0, mode}) == refused(EPERM));
        CHECK(answer_to(suid, "mkdirat", {0, 0, mode}) == refused(EPERM));
        CHECK(answer_to(suid, "mknodat", {0, 0, mode}) == refused(EPERM));
        CHECK(answer_to(suid, "openat", {0, 0, O_CREAT | O_WRONLY, mode}) == refused(EPERM));
        CHECK(answer_to(suid, "openat", {0, 0, O_TMPFILE | O_RDWR, mode}) == refused(EPERM));
        CHECK(answer_to(suid, "openat", {0, 0, O_RDONLY, mode}) == allowed); // the mode is not looked at
    }
    CHECK(answer_to(suid, "openat", {0, 0, O_CREAT, 0755}) == allowed);
    CHECK(answer_to(suid, "openat", {0, 0, O_DIRECTORY, 04000}) == allowed);
    CHECK(answer_to(suid, "fchmod", {0, 01777}) == allowed);
    CHECK(answer_to(suid, "openat2", {}) == refused(ENOSYS));
}

TEST_CASE("memory that is written and executed is denied in each way to it") {
    const CallRestrictions memory{.write_execute = true};
    const std::string_view map = call_number("mmap") >= 0 ? "mmap" : "mmap2";
    CHECK(answer_to(memory, map, {0, 0, PROT_READ | PROT_WRITE | PROT_EXEC}) == refused(EPERM));
    CHECK(answer_to(memory, map, {0, 0, PROT_READ | PROT_EXEC}) == allowed);
    CHECK(answer_to(memory, map, {0, 0, PROT_READ | PROT_WRITE}) == allowed);
    CHECK(answer_to(memory, "mprotect", {0, 0, PROT_READ | PROT_EXEC}) == refused(EPERM));
    CHECK(answer_to(memory, "mprotect", {0, 0, PROT_READ}) == allowed);
    CHECK(answer_to(memory, "pkey_mprotect", {0, 0, PROT_EXEC}) == refused(EPERM));
    CHECK(answer_to(memory, "shmat", {0, 0, SHM_EXEC}) == refused(EPERM));
}

TEST_CASE("families of sockets: only those that are listed, or all but those, or none") {
    const std::vector<std::uint16_t> two{AF_UNIX, AF_INET6};
    const CallRestrictions only{.families_allow = true, .families = two}, but{.families = two},
        none{.families_allow = true};
    for (const std::uint32_t family : {AF_UNIX, AF_INET6}) {
        CHECK(answer_to(only, "socket", {family}) == allowed);
        CHECK(answer_to(but, "socket", {family}) == refused(EAFNOSUPPORT));
        CHECK(answer_to(none, "socket", {family}) == refused(EAFNOSUPPORT));
    }
    for (const std::uint32_t family : {AF_INET, AF_NETLINK, AF_PACKET}) {
        CHECK(answer_to(only, "socket", {family}) == refused(EAFNOSUPPORT));
        CHECK(answer_to(but, "socket", {family}) == allowed);
    }
    CHECK(answer_to(none, "socketpair", {AF_UNIX}) == allowed);
}

TEST_CASE("kinds of namespaces can be neither made nor entered; the others can") {
    const CallRestrictions kinds{.namespaces = CLONE_NEWUSER | CLONE_NEWNET};
    for (const char* call : {"unshare", "clone"}) {
        CHECK(answer_to(kinds, call, {CLONE_NEWUSER}) == refused(EPERM));
        CHECK(answer_to(kinds, call, {CLONE_NEWNS | CLONE_NEWNET}) == refused(EPERM));
        CHECK(answer_to(kinds, call, {CLONE_NEWNS}) == allowed);
        CHECK(answer_to(kinds, call, {17}) == allowed); // SIGCHLD: a fork
    }
    CHECK(answer_to(kinds, "clone3", {}) == refused(ENOSYS));
    CHECK(answer_to(kinds, "setns", {3, 0}) == refused(EPERM));
    CHECK(answer_to(kinds, "setns", {3, CLONE_NEWUSER}) == refused(EPERM));
    CHECK(answer_to(kinds, "setns", {3, CLONE_NEWUTS}) == allowed);
}

TEST_CASE("what is restricted is denied beside a list of calls, which goes on to count") {
    const auto filter =
        make_filter(call_filter(std::vector<std::string>{"!umask"}), 0, {.personality = true, .hostname = true});
    const std::uint32_t another_domain[6] = {0x0008}, usual[6] = {0}, question[6] = {0xffffffff};
    auto answered = [&](std::string_view call, std::span<const std::uint32_t> arguments) {
        return run(filter->program, static_cast<std::uint32_t>(call_number(call)), ours, arguments).value().action;
    };
    CHECK(answered("personality", another_domain) == refused(EPERM));
    CHECK(answered("personality", usual) == allowed);
    CHECK(answered("personality", question) == allowed);
    CHECK(answered("sethostname", usual) == refused(EPERM));
    CHECK(answered("setdomainname", usual) == refused(EPERM));
    CHECK(answered("umask", usual) == killed);
    CHECK(answered("read", usual) == allowed);
}
