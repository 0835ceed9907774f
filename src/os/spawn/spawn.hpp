// Bringing a process into being, from a Plan that is already complete.
// What to start, and when, is the engine's business; collecting it afterwards is children.hpp's.
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

// Why a start failed: which step, its errno, and what it was done to.
struct SpawnFault {
    Step step = Step::exec;
    int code = 0;
    std::string about; // `user "www-data"`, a path; may be empty

    // `setgroups: Operation not permitted (user "www-data")`
    [[nodiscard]] std::string text() const;
};

// A process that exists. It may still be on its way to its program.
class Start {
public:
    Start();
    // One whose process the program before us has made: `report` is what Start::report() gave there.
    Start(pid_t pid, Fd report);
    Start(Start&&) noexcept;
    Start& operator=(Start&&) noexcept;
    ~Start();

    [[nodiscard]] pid_t pid() const { return pid_; }
    // It has become its program, or has ended before it could.
    [[nodiscard]] bool decided() const { return decided_; }
    // While it is not decided, readable once it is; -1: nothing tells, and decide() has to be asked from time to time.
    [[nodiscard]] int report() const { return report_.get(); }
    // Looks; true if it is decided now. Never waits.
    bool decide();
    // Once it is decided: why it has not become its program.
    [[nodiscard]] const std::optional<SpawnFault>& fault() const { return fault_; }
    // While it is not decided: the step that it stands in, as far as that can be known, and what it is done to.
    [[nodiscard]] std::string where() const;
    // Of one that make_network() gave, once it is decided and without a fault: the namespace.
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

// Makes processes. Holds what every start needs: a stack for the child, the executor image, and a window of low descriptors
// (from 3 on, when made early), through which descriptors are handed over. So make it right after normalise_self(), before
// descriptors of any number are opened: then a start costs the same however many descriptors we hold.
//
// Have all signals blocked when calling. A Spawner outlives its Starts.
class Spawner {
public:
    // What the executor is executed from.
    enum class Image { sealed_memory, own_binary };
    // `patience`: how long start() waits for a child to leave our memory before it goes on without it.
    static Result<Spawner> make(Span patience = std::chrono::milliseconds(2), Image image = Image::sealed_memory);
    Spawner(Spawner&&) noexcept;
    Spawner& operator=(Spawner&&) noexcept;
    ~Spawner();

    // A network namespace of its own with nothing but a loopback that is up, for Plan::network: a child of ours makes it, and
    // is not waited for any longer than that of a start (Start::take_network gives it). The namespace lives as long as this
    // descriptor, or a process in it.
    std::expected<Start, SpawnFault> make_network();

    // Makes the process, and waits for nothing that others could hold up. A fault: there is no process.
    std::expected<Start, SpawnFault> start(const Plan& plan);
    // The same, waiting until it is decided. For tests and tools, not for PID 1's turn.
    std::expected<pid_t, SpawnFault> spawn(const Plan& plan);

    struct State;

private:
    explicit Spawner(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// From here on nobody without CAP_SYS_PTRACE can trace us or read our memory, and we leave no core: for a process that makes
// others with less privilege. There is no way back but execve(2).
void make_undumpable();

} // namespace mi::os
