// Starts a process from a complete Plan. The engine decides which process to start and when; children.hpp collects it.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "os/spawn/plan.hpp"

#include <expected>
#include <memory>
#include <optional>
#include <string>

namespace mi::os {

// The reason why a start failed: the step, its errno, and its object.
struct SpawnFault {
    Step step = Step::exec;
    int code = 0;
    std::string about; // `user "www-data"`, a path; may be empty

    // `setgroups: Operation not permitted (user "www-data")`
    [[nodiscard]] std::string text() const;
};

// A process that exists. It may not have executed its program yet.
class Start {
public:
    Start();
    // For a process that the previous program image has started: `report` is the descriptor that Start::report()
    // returned there.
    Start(pid_t pid, Fd report);
    Start(Start&&) noexcept;
    Start& operator=(Start&&) noexcept;
    ~Start();

    [[nodiscard]] pid_t pid() const { return pid_; }
    // Whether the process has executed its program, or has ended before.
    [[nodiscard]] bool decided() const { return decided_; }
    // While undecided: a descriptor that becomes readable when it is decided; -1: there is none, and the caller must
    // call decide() from time to time.
    [[nodiscard]] int report() const { return report_.get(); }
    // Checks without waiting; true if it is decided now.
    bool decide();
    // Once decided: the reason why the program was not executed, if so.
    [[nodiscard]] const std::optional<SpawnFault>& fault() const { return fault_; }
    // While undecided: the present step, as far as it is known, and its object.
    [[nodiscard]] std::string where() const;
    // After make_network(), once decided and without a fault: the namespace.
    [[nodiscard]] Fd take_network() { return std::move(network_); }

    struct Waiting;

private:
    friend class Spawner;
    pid_t pid_ = 0;
    bool decided_ = false;
    Fd report_;
    std::optional<SpawnFault> fault_;
    Fd network_;
    std::unique_ptr<Waiting> waiting_;
};

// Starts processes. Holds everything that each start needs: a stack for the child, the executor image, and a window of
// low descriptors (from 3 on, if made early) through which descriptors are passed. So make it right after
// normalise_self(), before many descriptors are open: then the cost of a start does not depend on the number of our
// descriptors.
//
// All signals must be blocked in the caller. A Spawner must outlive its Starts.
class Spawner {
public:
    // The file that the executor is executed from.
    enum class Image { sealed_memory, own_binary };
    // `patience`: the most time that start() waits for a child to leave our memory.
    static Result<Spawner> make(Span patience = std::chrono::milliseconds(2), Image image = Image::sealed_memory);
    Spawner(Spawner&&) noexcept;
    Spawner& operator=(Spawner&&) noexcept;
    ~Spawner();

    // Makes a network namespace with only a loopback interface that is up, for Plan::network. A child makes it, and PID
    // 1 waits no longer for it than for a start (Start::take_network returns the namespace). The namespace exists as
    // long as its descriptor, or a process in it.
    std::expected<Start, SpawnFault> make_network();

    // Makes the process, and never waits for anything that another process could delay. On a fault there is no process.
    std::expected<Start, SpawnFault> start(const Plan& plan);
    // The same, but waits until it is decided. For tests and tools, not for PID 1's turn.
    std::expected<pid_t, SpawnFault> spawn(const Plan& plan);

    struct State;

private:
    explicit Spawner(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// From now on only processes with CAP_SYS_PTRACE can trace us or read our memory, and we leave no core dump (prctl(2),
// PR_SET_DUMPABLE): for a process that makes others with fewer privileges. Only execve(2) ends this.
void make_undumpable();

} // namespace mi::os
