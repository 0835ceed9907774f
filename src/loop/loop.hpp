// Waiting: descriptors that become readable or writable, and one timer. The only room that sees Boost.Asio; who waits for
// what, and what it means, is the daemon's.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <functional>
#include <memory>

namespace mi::loop {

// The present on CLOCK_MONOTONIC.
[[nodiscard]] Instant now();
// The present on CLOCK_REALTIME.
[[nodiscard]] WallTime wall_now();

// One descriptor being watched; destroying it ends the watch. It does not own the descriptor.
class Watch {
public:
    virtual ~Watch() = default;
    // Also tell when the descriptor can be written, or stop telling. The writable callback runs once for each time it can.
    virtual void want_writable(bool wanted) = 0;
    // Stop or resume telling of readability: how a reader that has enough holds back its sender.
    virtual void want_readable(bool wanted) = 0;
};

// One thread's event loop. `turn_end` runs after the callbacks of each wake-up.
class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    using Callback = std::function<void()>;
    // Calls `readable` whenever `fd` has something to read (readiness only: the callback reads, and may leave some: level
    // triggered), `writable` as asked for with want_writable. A callback may destroy its own watch.
    [[nodiscard]] Result<std::unique_ptr<Watch>> watch(int fd, Callback readable, Callback writable = {});
    // Sets the one timer: `due` (given once, at construction of the user) runs at `at`; `never` disarms it.
    void set_due(Callback due);
    void wake_at(Instant at);
    // Runs after every wake-up's callbacks: where a turn is finished.
    void set_turn_end(Callback turn_end);
    // Waits and calls back until stop().
    void run();
    void stop();

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace mi::loop
