// Ends all processes, and then the machine. Mounts are handled in release.cpp.
#include "os/machine/shutdown.hpp"

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"
#include "os/process/process.hpp"
#include "os/process/timed_child.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace mi::os {
namespace {

constexpr Span held_fast = std::chrono::seconds(1); // after this time we assume that the kernel never releases it
constexpr std::size_t most_named = 10;              // a fork bomb needs no complete list

// Collects ended children until none is left (true) or `limit` has passed.
bool collect_all(Span limit) {
    Instant deadline = monotonic_now() + limit;
    for (;;) {
        pid_t ended = ::waitpid(-1, nullptr, WNOHANG | __WALL);
        if (ended > 0)
            continue;
        if (ended < 0 && errno == ECHILD)
            return true;
        Span left = deadline - monotonic_now();
        if (left <= Span(0))
            return false;
        wait_for_a_child(left);
    }
}

std::vector<ProcessStat> everybody_else() {
    std::vector<ProcessStat> others;
    for (pid_t pid : process_ids().value_or(std::vector<pid_t>{}))
        if (pid != ::getpid())
            if (Result<ProcessStat> stat = process_stat(pid); stat && !stat->kernel_thread && stat->state != 'Z')
                others.push_back(*std::move(stat));
    return others;
}

void name_stubborn(const std::vector<ProcessStat>& stubborn, const Say& say) {
    for (std::size_t i = 0; i < std::min(stubborn.size(), most_named); ++i)
        say("killing " + describe(stubborn[i]));
    if (stubborn.size() > most_named)
        say("killing " + std::to_string(stubborn.size() - most_named) + " more");
}

bool held(const ProcessStat& stat) { return stat.state == 'D'; }

} // namespace

std::vector<std::string> end_all_processes(Span grace, Span limit, const Say& say) {
    if (::getpid() != 1)
        return {"not process 1: nobody is ended"}; // kill(-1) would reach processes outside our namespace or control
    if (collect_all(Span(0)) && everybody_else().empty())
        return {};
    ::kill(-1, SIGTERM);
    ::kill(-1, SIGCONT); // a stopped process handles SIGTERM only after SIGCONT
    if (!collect_all(grace) || !everybody_else().empty()) {
        name_stubborn(everybody_else(), say);
        // Repeat the signal, for processes that were just being forked. Some processes that the kernel holds are
        // released soon.
        const Instant began = monotonic_now();
        for (Span spent{0}; spent < limit; spent = monotonic_now() - began) {
            ::kill(-1, SIGKILL);
            if (collect_all(std::min<Span>(limit - spent, std::chrono::seconds(1))))
                break;
            if (spent >= held_fast && std::ranges::all_of(everybody_else(), &held))
                break;
        }
    }
    std::vector<std::string> left;
    for (const ProcessStat& stat : everybody_else())
        left.push_back(describe(stat));
    return left;
}

std::vector<std::string> end_other_processes(const std::function<bool(pid_t)>& lives_on, Span grace, Span limit,
                                             const Say& say) {
    auto others = [&] {
        std::vector<ProcessStat> all = everybody_else();
        std::erase_if(all, [&](const ProcessStat& stat) { return lives_on(stat.pid); });
        return all;
    };
    std::vector<ProcessStat> rest = others();
    auto send = [&](int signal) {
        for (const ProcessStat& stat : rest)
            (void)::kill(stat.pid, signal);
    };
    // SIGCHLD reports only our own children: look for the others from time to time.
    auto await = [&](Span span) {
        for (Instant deadline = monotonic_now() + span; !rest.empty(); rest = others()) {
            const Span left = deadline - monotonic_now();
            if (left <= Span(0))
                break;
            wait_for_a_child(std::min<Span>(left, std::chrono::milliseconds(100)));
        }
    };
    send(SIGTERM);
    send(SIGCONT);
    await(grace);
    name_stubborn(rest, say);
    const Instant began = monotonic_now();
    for (Span spent{0}; !rest.empty() && spent < limit; spent = monotonic_now() - began) {
        send(SIGKILL);
        await(std::min<Span>(limit - spent, std::chrono::seconds(1)));
        if (spent >= held_fast && std::ranges::all_of(rest, &held))
            break;
    }
    std::vector<std::string> left;
    for (const ProcessStat& stat : rest)
        left.push_back(describe(stat));
    return left;
}

bool sync_within(Span limit) {
    return in_child(limit, [] {
               ::sync();
               return true;
           }) == Outcome::done;
}

Result<> end_machine(Ending how) {
    if (::getpid() != 1)
        return fault(EPERM, "end the machine");
    return end_machine_by_force(how);
}

Result<> end_machine_by_force(Ending how) {
    int code = 0;
    switch (how) {
    case Ending::reboot: code = RB_AUTOBOOT; break;
    case Ending::poweroff: code = RB_POWER_OFF; break;
    case Ending::halt: code = RB_HALT_SYSTEM; break;
    case Ending::kexec: code = RB_KEXEC; break;
    }
    ::reboot(code);
    return fault(errno, "end the machine");
}

bool store_within(Span limit, const std::string& directory, const std::string& name, const std::string& text,
                  const std::string& beside) {
    return in_child(limit, [&] {
               if (!beside.empty() &&
                   !read_file(directory + "/" + beside).value_or("").starts_with(text.substr(0, text.find(' ') + 1)))
                   return true;
               return store_file(directory, name, text).has_value();
           }) == Outcome::done;
}

bool kexec_loaded() { return read_file("/sys/kernel/kexec_loaded").value_or("").starts_with('1'); }

Result<> exec_from_memory(const std::vector<std::string>& arguments, Span limit) {
    Fd disk(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    if (!disk)
        return fault(errno, "open", "/proc/self/exe");
    struct stat about{};
    if (::fstat(disk.get(), &about) != 0)
        return fault(errno, "look at", "/proc/self/exe");
    // MFD_EXEC, Linux 6.3: for systems on which a memfd is not executable by default.
    constexpr unsigned executable = 0x0010;
    Fd memory(static_cast<int>(::syscall(SYS_memfd_create, "miniinit", MFD_CLOEXEC | executable)));
    if (!memory)
        memory = Fd(static_cast<int>(::syscall(SYS_memfd_create, "miniinit", MFD_CLOEXEC)));
    if (!memory)
        return fault(errno, "make memory file");
    // The disk itself may have stopped answering.
    Outcome outcome = in_child(limit, [&] {
        for (off_t copied = 0; copied < about.st_size;) {
            ssize_t now =
                ::sendfile(memory.get(), disk.get(), nullptr, static_cast<std::size_t>(about.st_size - copied));
            if (now <= 0)
                return false;
            copied += now;
        }
        return true;
    });
    if (outcome != Outcome::done)
        return fault(outcome == Outcome::too_long ? ETIMEDOUT : EIO, "copy", "/proc/self/exe");
    std::vector<char*> pointers;
    for (const std::string& argument : arguments)
        pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    ::syscall(SYS_execveat, memory.get(), "", pointers.data(), environ, AT_EMPTY_PATH);
    return fault(errno, "exec from memory");
}

Result<> stay_in_memory() {
    if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return fault(errno, "lock memory");
    return {};
}

} // namespace mi::os
