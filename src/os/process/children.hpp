// Receives signals, collects children that have ended (waitid(2)), and sends signals. The processes of a service are
// found by cgroup.hpp and members.hpp.
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

// How a process ended or changed its state.
struct Exit {
    enum class Kind { exited, killed, stopped, continued };
    pid_t pid = 0;
    Kind kind = Kind::exited;
    int code = 0;      // exited: the exit code; killed, stopped: the signal
    bool core = false; // killed, with a core dump
    [[nodiscard]] bool ended() const { return kind == Kind::exited || kind == Kind::killed; }
    bool operator==(const Exit&) const = default;
};

// Blocks every signal that can be blocked, and reads them from one descriptor (signalfd(2)).
class SignalQueue {
public:
    static constexpr std::size_t batch = 16; // most signals in one read

    static Result<SignalQueue> open();
    [[nodiscard]] int fd() const { return fd_.get(); }
    // The next batch of pending signals; fewer than `batch` means that no more are pending. Valid until the next call.
    Result<std::span<const signalfd_siginfo>> read();

private:
    explicit SignalQueue(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
    std::array<signalfd_siginfo, batch> batch_{};
};

// Collects at most `most` children that have ended (with `job_control`, also stops and continues) and appends them to
// `exits`. False if there may be more.
bool reap(std::vector<Exit>& exits, std::size_t most, bool job_control = false);

// The next child that has ended, without collecting it, so that /proc/PID can still be read; collect it with collect().
[[nodiscard]] std::optional<Exit> peek_exit();
[[nodiscard]] std::optional<Exit> collect(pid_t pid);

// kill(2). Fault ESRCH: the process does not exist any more. EINVAL: `pid` is 0 or negative.
Result<> send_signal(pid_t pid, int signal);
Result<> signal_group(pid_t group, int signal);

// Makes orphans of our descendants our children (prctl(2), PR_SET_CHILD_SUBREAPER).
Result<> become_subreaper();

} // namespace mi::os
