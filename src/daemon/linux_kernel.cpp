#include "daemon/linux_kernel.hpp"

#include "os/machine/linux_presence.hpp"

#include "base/clock.hpp"
#include "os/process/alarm.hpp"
#include "os/process/idle_memory.hpp"
#include "os/process/timed_child.hpp"

#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace mi::daemon {

namespace {

Result<std::unique_ptr<os::Cgroups>> kept(Result<os::CgroupTree> tree) {
    if (!tree)
        return std::unexpected(tree.error());
    return std::make_unique<os::CgroupTree>(std::move(*tree));
}

} // namespace

Result<std::unique_ptr<loop::Watch>> LinuxKernel::watch(int fd, Callback readable, Callback writable) {
    return loop_.watch(fd, std::move(readable), std::move(writable));
}

void LinuxKernel::set_turn_end(Callback turn_end) {
    loop_.set_turn_end([this, end = std::move(turn_end)] {
        end();
        if (std::exchange(gives_back_, false))
            os::give_back_idle_memory();
    });
}

Instant LinuxKernel::now() const { return monotonic_now(); }

WallTime LinuxKernel::wall_now() const { return mi::wall_now(); }

calendar::Clocks LinuxKernel::clocks() const {
    const os::Moment now = os::present();
    return {now.boot, now.wall};
}

std::size_t LinuxKernel::random(std::span<unsigned char> bytes) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
}

Result<std::span<const signalfd_siginfo>> LinuxKernel::read_signals() {
    if (!signals_)
        return std::span<const signalfd_siginfo>{};
    return signals_->read();
}

std::expected<os::Start, os::SpawnFault> LinuxKernel::start(const os::Plan& plan) {
    if (!spawner_)
        return std::unexpected(os::SpawnFault{os::Step::clone, ENOSYS, {}});
    return spawner_->start(plan);
}

std::expected<os::Start, os::SpawnFault> LinuxKernel::make_network() {
    if (!spawner_)
        return std::unexpected(os::SpawnFault{os::Step::clone, ENOSYS, {}});
    return spawner_->make_network();
}

bool LinuxKernel::child_signal_waits() const {
    sigset_t pending;
    return ::sigpending(&pending) != 0 || ::sigismember(&pending, SIGCHLD) == 1;
}

bool LinuxKernel::reap(std::vector<os::Exit>& exits, std::size_t most) { return os::reap(exits, most, true); }

void LinuxKernel::await(const std::vector<pid_t>& children, Span limit) { os::await_children(children, limit); }

Result<> LinuxKernel::send_signal(pid_t pid, int signal) { return os::send_signal(pid, signal); }

Result<> LinuxKernel::signal_group(pid_t group, int signal) { return os::signal_group(group, signal); }

bool LinuxKernel::exists(pid_t pid) const { return os::process_exists(pid); }

Result<os::ProcessStat> LinuxKernel::stat_of(pid_t pid) const { return os::process_stat(pid); }

Result<os::Disposition> LinuxKernel::signal_disposition(pid_t pid, int signal) const {
    return os::signal_disposition(pid, signal);
}

pid_t LinuxKernel::session_of(pid_t pid) const { return os::process_session(pid); }

Result<std::vector<pid_t>> LinuxKernel::own_children() const { return os::own_children(); }

Result<std::vector<std::vector<pid_t>>> LinuxKernel::find_members(std::span<const os::Membership> services) const {
    return os::find_members(services);
}

bool LinuxKernel::is_member(pid_t pid, const os::Membership& service) const { return os::is_member(pid, service); }

Result<Fd> LinuxKernel::watch_end(pid_t pid) {
    Fd end(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!end)
        return fault(errno, "watch process", std::to_string(pid));
    return end;
}

Result<std::unique_ptr<os::Cgroups>> LinuxKernel::open_cgroups(const std::string& name) {
    return kept(os::CgroupTree::open(name));
}

Result<std::unique_ptr<os::Cgroups>> LinuxKernel::go_on_with_cgroups(os::Cgroups::State state) {
    return kept(os::CgroupTree::go_on(std::move(state)));
}

std::expected<os::PathAnswers, os::Untouched> LinuxKernel::answer_here(std::span<const os::PathQuestion> questions,
                                                                       os::HangingMounts& hanging) {
    return os::answer_here(questions, hanging);
}

std::unique_ptr<os::Presence> LinuxKernel::presence() { return std::make_unique<os::LinuxPresence>(); }

} // namespace mi::daemon
