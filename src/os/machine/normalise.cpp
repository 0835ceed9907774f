// Resets the process attributes that we inherited.
#include "os/machine/normalise.hpp"

#include "base/directory.hpp"
#include "base/text.hpp"
#include "os/file/runtime.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace mi::os {
namespace {

void default_dispositions() {
    struct sigaction plain{};
    plain.sa_handler = SIG_DFL;
    // Only "ignored" is inherited across exec: a handler is one of ours.
    struct sigaction was{};
    for (int signal = 1; signal < _NSIG; ++signal)
        if (::sigaction(signal, nullptr, &was) == 0 && was.sa_handler == SIG_IGN)
            ::sigaction(signal, &plain, nullptr);
}

void open_standard_three(std::vector<Fault>& faults) {
    for (int fd = 0; fd < 3; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0)
            continue;
        // open(2) takes the lowest free number, which is `fd`: all lower ones are open.
        if (::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
            faults.push_back({errno, "open", "/dev/null"});
    }
}

// The open descriptors above 2, from /proc/self/fd; without it, by testing each number.
std::vector<int> open_descriptors() {
    std::vector<int> open;
    if (auto entries = list_directory("/proc/self/fd")) {
        // F_GETFD skips the descriptor through which the list was read: it is closed again.
        for (const DirectoryEntry& entry : *entries)
            if (int fd = to_number<int>(entry.name).value_or(-1); fd > 2 && ::fcntl(fd, F_GETFD) >= 0)
                open.push_back(fd);
        return open;
    }
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    int most = static_cast<int>(std::min<rlim_t>(files.rlim_cur, 65536));
    for (int fd = 3; fd < most; ++fd)
        if (::fcntl(fd, F_GETFD) >= 0)
            open.push_back(fd);
    return open;
}

} // namespace

Inheritance normalise_self(const Normality& normality) {
    Inheritance had;
    auto note = [&](bool fine, std::string_view doing, std::string about = {}) {
        if (!fine)
            had.faults.push_back({errno, doing, std::move(about)});
    };
    default_dispositions();
    open_standard_three(had.faults);
    for (int fd : open_descriptors())
        if (std::ranges::find(normality.keep, fd) == normality.keep.end()) {
            ::close(fd);
            had.was_open.push_back(fd);
        }
    had.umask = ::umask(022);
    note(::chdir("/") == 0, "change directory to", "/");

    errno = 0;
    if (::getpriority(PRIO_PROCESS, 0) != 0)
        note(::setpriority(PRIO_PROCESS, 0, 0) == 0, "set nice to", "0");
    sched_param plain{};
    if (::sched_getscheduler(0) > 0)
        note(::sched_setscheduler(0, SCHED_OTHER, &plain) == 0, "set scheduling to", "other");
    constexpr int io_process = 1;
    if (::syscall(SYS_ioprio_get, io_process, 0) > 0)
        note(::syscall(SYS_ioprio_set, io_process, 0, 0) == 0, "reset I/O priority");
    note(::prctl(PR_SET_TIMERSLACK, 50000UL, 0, 0, 0) == 0, "reset timer slack");

    // With "coredump_filter=" on the kernel command line the administrator has chosen the default; without /proc the
    // filter cannot be changed.
    if (read_file("/proc/cmdline").value_or("").find("coredump_filter=") == std::string::npos)
        if (Result<std::string> filter = read_file("/proc/self/coredump_filter"); filter && *filter != "00000033\n")
            if (Result<> written = write_existing("/proc/self/coredump_filter", "0x33"); !written)
                had.faults.push_back(written.error());
    if (normality.reset_oom_score)
        if (Result<std::string> score = read_file("/proc/self/oom_score_adj"); score && *score != "0\n")
            if (Result<> written = write_existing("/proc/self/oom_score_adj", "0"); !written)
                had.faults.push_back(written.error());
    return had;
}

} // namespace mi::os
