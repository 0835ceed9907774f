// Bringing a process into being, from a Plan that is already complete.
// What to start, and when, is the engine's business; collecting it afterwards is children.hpp's.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "os/plan.hpp"

#include <array>
#include <expected>
#include <memory>
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

// Makes processes. Holds what every start needs: a stack for the child, and a window of low descriptors (from 3 on,
// when made early), through which descriptors are handed over. So make it right after normalise_self(), before
// descriptors of any number are opened: then a start costs the same however many descriptors we hold.
//
// The child borrows our memory until it execs; we wait for that on a futex rather than as vfork(2) does, so that a
// child that is stopped or stuck before its exec costs us `patience`, not our life. Have all signals blocked when
// calling.
class Spawner {
public:
    // `patience`: how long exec may take before the child is killed and the start has failed with ETIMEDOUT.
    static Result<Spawner> make(Span patience = std::chrono::seconds(5));
    Spawner(Spawner&&) noexcept;
    Spawner& operator=(Spawner&&) noexcept;
    ~Spawner();

    // A network namespace of its own with nothing but a loopback that is up, for Plan::network. It lives as long as this
    // descriptor, or a process in it.
    std::expected<Fd, SpawnFault> make_network();

    // The child's pid once it has exec'ed (or, with `copying`, exists).
    std::expected<pid_t, SpawnFault> spawn(const Plan& plan);

private:
    struct State;
    explicit Spawner(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace mi::os
