// Reads signals, collects exits, sends signals.
#include "os/process/children.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace mi::os {

Result<SignalQueue> SignalQueue::open() {
    sigset_t all;
    ::sigfillset(&all);
    // A fault in our own code must not be blocked: then it would kill us without calling its handler.
    for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS})
        ::sigdelset(&all, signal);
    if (::sigprocmask(SIG_SETMASK, &all, nullptr) != 0)
        return fault(errno, "block signals");
    Fd fd(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd)
        return fault(errno, "open signalfd");
    return SignalQueue(std::move(fd));
}

Result<std::span<const signalfd_siginfo>> SignalQueue::read() {
    ssize_t got = ::read(fd_.get(), batch_.data(), sizeof batch_);
    if (got < 0) {
        if (errno == EAGAIN || errno == EINTR)
            return std::span<const signalfd_siginfo>{};
        return fault(errno, "read signals");
    }
    return std::span<const signalfd_siginfo>(batch_.data(), static_cast<std::size_t>(got) / sizeof batch_[0]);
}

static Exit exit_of(pid_t pid, int status) {
    if (WIFEXITED(status))
        return {pid, Exit::Kind::exited, WEXITSTATUS(status), false};
    if (WIFSIGNALED(status))
        return {pid, Exit::Kind::killed, WTERMSIG(status), static_cast<bool>(WCOREDUMP(status))};
    if (WIFSTOPPED(status))
        return {pid, Exit::Kind::stopped, WSTOPSIG(status), false};
    return {pid, Exit::Kind::continued, SIGCONT, false};
}

bool reap(std::vector<Exit>& exits, std::size_t most, bool job_control) {
    int options = WNOHANG | __WALL | (job_control ? WUNTRACED | WCONTINUED : 0);
    for (std::size_t i = 0; i < most; ++i) {
        int status = 0;
        pid_t pid = ::wait4(-1, &status, options, nullptr);
        if (pid <= 0)
            return true;
        exits.push_back(exit_of(pid, status));
    }
    return false;
}

static std::optional<Exit> wait_id(idtype_t which, id_t id, int options) {
    siginfo_t info{};
    if (::waitid(which, id, &info, options) != 0 || info.si_pid == 0)
        return std::nullopt;
    bool exited = info.si_code == CLD_EXITED;
    return Exit{info.si_pid, exited ? Exit::Kind::exited : Exit::Kind::killed, info.si_status,
                info.si_code == CLD_DUMPED};
}

std::optional<Exit> peek_exit() { return wait_id(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT | __WALL); }

std::optional<Exit> collect(pid_t pid) { return wait_id(P_PID, static_cast<id_t>(pid), WEXITED | WNOHANG | __WALL); }

Result<> send_signal(pid_t pid, int signal) {
    // kill(2) would send to a group for 0, and to every process for -1.
    if (pid <= 0)
        return fault(EINVAL, "signal process", std::to_string(pid));
    if (::kill(pid, signal) != 0)
        return fault(errno, "signal process", std::to_string(pid));
    return {};
}

Result<> signal_group(pid_t group, int signal) {
    if (group <= 1)
        return fault(EINVAL, "signal process group", std::to_string(group));
    if (::kill(-group, signal) != 0)
        return fault(errno, "signal process group", std::to_string(group));
    return {};
}

Result<> become_subreaper() {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
        return fault(errno, "become subreaper");
    return {};
}

} // namespace mi::os
