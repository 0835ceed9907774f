// What becomes of processes: hearing of their end, collecting it, sending them signals.
// Finding the processes of a service is cgroup.hpp's and members.hpp's.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/signalfd.h>
#include <sys/types.h>

#include <array>
#include <optional>
#include <span>
#include <vector>

namespace mi::os {

// How a process ended or changed.
struct Exit {
    enum class Kind { exited, killed, stopped, continued };
    pid_t pid = 0;
    Kind kind = Kind::exited;
    int code = 0;      // exited: its exit code; killed, stopped: the signal
    bool core = false; // killed: and left a core
    [[nodiscard]] bool ended() const { return kind == Kind::exited || kind == Kind::killed; }
    bool operator==(const Exit&) const = default;
};

// Every signal that can be, blocked, and read from one descriptor.
class SignalQueue {
public:
    static constexpr std::size_t batch = 16; // signals at a time, at most

    static Result<SignalQueue> open();
    [[nodiscard]] int fd() const { return fd_.get(); }
    // The next batch of pending signals; fewer than `batch`: there were no more. Valid until the next call.
    Result<std::span<const signalfd_siginfo>> read();

private:
    explicit SignalQueue(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
    std::array<signalfd_siginfo, batch> batch_{};
};

// Collects up to `most` children that have ended (with `job_control`, also stops and continues) and appends them to
// `exits`. False when there may be more.
bool reap(std::vector<Exit>& exits, std::size_t most, bool job_control = false);

// The next ended child, left uncollected, so that /proc/PID can still be read; collect it with collect().
[[nodiscard]] std::optional<Exit> peek_exit();
[[nodiscard]] std::optional<Exit> collect(pid_t pid);

// kill(2). A process that is gone (ESRCH) is a fault like another.
Result<> send_signal(pid_t pid, int signal);
Result<> signal_group(pid_t group, int signal);

// Orphans of our descendants become our children.
Result<> become_subreaper();

} // namespace mi::os
