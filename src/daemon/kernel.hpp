// The one seam between PID 1's turn and Linux: what the subsystems ask of the kernel while they run. There are two
// implementations: linux_kernel.hpp, and a simulated one (tests/sim), in which time, processes, refusals and crashes of PID 1
// are drawn from a seed. What decides is on this side of it, what happens on the other.
//
// Descriptors are real on both sides: pipes, sockets and memory files are made where they are needed, and behave alike
// everywhere. What starts, observes or ends processes, tells the time, waits, or looks at somebody else's files is here.
#pragma once

#include "base/result.hpp"
#include "calendar/schedule.hpp"
#include "loop/loop.hpp"
#include "os/cgroup/cgroup.hpp"
#include "os/file/path_question.hpp"
#include "os/machine/presence.hpp"
#include "os/process/children.hpp"
#include "os/process/members.hpp"
#include "os/process/process.hpp"
#include "os/spawn/spawn.hpp"

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mi::daemon {

class Kernel : public loop::Loop {
public:
    // --- clocks and chance ---
    // CLOCK_MONOTONIC.
    [[nodiscard]] virtual Instant now() const = 0;
    // CLOCK_REALTIME.
    [[nodiscard]] virtual WallTime wall_now() const = 0;
    // CLOCK_BOOTTIME and CLOCK_REALTIME at one moment, as timers need them.
    [[nodiscard]] virtual calendar::Clocks clocks() const = 0;
    // Fills `bytes` from getrandom(2) without waiting; how many were to be had.
    [[nodiscard]] virtual std::size_t random(std::span<unsigned char> bytes) = 0;

    // --- signals to PID 1 ---
    // Readable when a signal waits.
    [[nodiscard]] virtual int signals() const = 0;
    // The next batch; fewer than os::SignalQueue::batch: there were no more. Valid until the next call. signalfd(2).
    [[nodiscard]] virtual Result<std::span<const signalfd_siginfo>> read_signals() = 0;

    // --- processes ---
    // Makes a process, and waits for nothing that others could hold up: see os::Spawner.
    [[nodiscard]] virtual std::expected<os::Start, os::SpawnFault> start(const os::Plan& plan) = 0;
    // A network namespace, made by a child: see os::Spawner.
    [[nodiscard]] virtual std::expected<os::Start, os::SpawnFault> make_network() = 0;
    // Whether SIGCHLD waits to be read: else there is nothing to collect that we were not told of.
    [[nodiscard]] virtual bool child_signal_waits() const = 0;
    // Collects up to `most` children that have ended or were stopped; false when there may be more.
    [[nodiscard]] virtual bool reap(std::vector<os::Exit>& exits, std::size_t most) = 0;
    // Waits for children to end, `limit` at most. Only when the loop has ended.
    virtual void await(const std::vector<pid_t>& children, Span limit) = 0;
    // kill(2). A process that is gone (ESRCH) is a fault like another.
    virtual Result<> send_signal(pid_t pid, int signal) = 0;
    virtual Result<> signal_group(pid_t group, int signal) = 0;
    [[nodiscard]] virtual bool exists(pid_t pid) const = 0;
    // Its line in /proc.
    [[nodiscard]] virtual Result<os::ProcessStat> stat_of(pid_t pid) const = 0;
    // What it does with a signal. A fault: /proc does not tell.
    [[nodiscard]] virtual Result<os::Disposition> signal_disposition(pid_t pid, int signal) const = 0;
    // The id of its session; 0: it is gone.
    [[nodiscard]] virtual pid_t session_of(pid_t pid) const = 0;
    // Gives back memory that is needed only while something happens.
    virtual void give_back_idle_memory() = 0;
    [[nodiscard]] virtual Result<std::vector<pid_t>> own_children() const = 0;
    // The processes of each service, where there are no cgroups to tell: see os/process/members.hpp.
    [[nodiscard]] virtual Result<std::vector<std::vector<pid_t>>>
    find_members(std::span<const os::Membership> services) const = 0;
    [[nodiscard]] virtual bool is_member(pid_t pid, const os::Membership& service) const = 0;
    // Readable when the process, which is no child of ours, has ended: pidfd_open(2).
    [[nodiscard]] virtual Result<Fd> watch_end(pid_t pid) = 0;

    // --- cgroups ---
    // A tree of our own with this name, or that of the program before us. A fault: there is no cgroup v2 that can be written.
    [[nodiscard]] virtual Result<std::unique_ptr<os::Cgroups>> open_cgroups(const std::string& name) = 0;
    [[nodiscard]] virtual Result<std::unique_ptr<os::Cgroups>> go_on_with_cgroups(os::Cgroups::State state) = 0;

    // --- files that units name ---
    // Answers, or the first path that may hang: see os/file/path_question.hpp.
    [[nodiscard]] virtual std::expected<os::PathAnswers, os::Untouched>
    answer_here(std::span<const os::PathQuestion> questions, os::HangingMounts& hanging) = 0;

    // --- what [await] names ---
    [[nodiscard]] virtual std::unique_ptr<os::Presence> presence() = 0;
};

} // namespace mi::daemon
