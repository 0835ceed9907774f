// Ending everything that runs, and then the machine. What is mounted is storage.cpp's.
#include "os/shutdown.hpp"

#include "base/fd.hpp"
#include "base/text.hpp"
#include "os/process.hpp"
#include "os/timed_child.hpp"

#include <dirent.h>
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

// Collects whatever ends until nobody is left (true) or `limit` has passed.
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
    DIR* listing = ::opendir("/proc");
    if (listing == nullptr)
        return others;
    while (dirent* entry = ::readdir(listing)) {
        std::optional<pid_t> pid = to_number<pid_t>(entry->d_name);
        if (!pid || *pid == ::getpid())
            continue;
        if (Result<ProcessStat> stat = process_stat(*pid); stat && !stat->kernel_thread && stat->state != 'Z')
            others.push_back(*std::move(stat));
    }
    ::closedir(listing);
    return others;
}

std::string description(const ProcessStat& stat) {
    std::string text = "process " + std::to_string(stat.pid) + " (" + stat.name + ") in state " + stat.state;
    if (std::string channel = wait_channel(stat.pid); !channel.empty())
        text += ", waiting in " + channel;
    return text;
}

} // namespace

std::vector<std::string> end_all_processes(Span grace, Span limit, const Say& say) {
    if (::getpid() != 1)
        return {"not process 1: nobody is ended"}; // kill(-1) would reach everyone else's
    if (collect_all(Span(0)) && everybody_else().empty())
        return {};
    ::kill(-1, SIGTERM);
    ::kill(-1, SIGCONT); // the stopped ones must be able to hear it
    if (!collect_all(grace) || !everybody_else().empty()) {
        for (const ProcessStat& stat : everybody_else())
            say("killing " + description(stat));
        ::kill(-1, SIGKILL);
        collect_all(limit);
    }
    std::vector<std::string> left;
    for (const ProcessStat& stat : everybody_else())
        left.push_back(description(stat));
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

Result<> exec_from_memory(const std::vector<std::string>& arguments) {
    Fd disk(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    if (!disk)
        return fault(errno, "open", "/proc/self/exe");
    struct stat about{};
    if (::fstat(disk.get(), &about) != 0)
        return fault(errno, "look at", "/proc/self/exe");
    constexpr unsigned executable = 0x0010; // MFD_EXEC, Linux 6.3: for where memory is not executable by default
    Fd memory(static_cast<int>(::syscall(SYS_memfd_create, "miniinit", MFD_CLOEXEC | executable)));
    if (!memory)
        memory = Fd(static_cast<int>(::syscall(SYS_memfd_create, "miniinit", MFD_CLOEXEC)));
    if (!memory)
        return fault(errno, "make memory file");
    for (off_t copied = 0; copied < about.st_size;) {
        ssize_t now = ::sendfile(memory.get(), disk.get(), nullptr, static_cast<std::size_t>(about.st_size - copied));
        if (now <= 0)
            return fault(now < 0 ? errno : EIO, "copy", "/proc/self/exe");
        copied += now;
    }
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
