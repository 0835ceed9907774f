// Waiting: descriptors that become readable or writable, and one timer. The only room that sees Boost.Asio; who waits for
// what, and what it means, is the daemon's.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <functional>
#include <memory>

namespace mi::loop {

// One descriptor being watched; destroying it ends the watch. It does not own the descriptor.
class Watch {
public:
    virtual ~Watch() = default;
    // Also tell when the descriptor can be written, or stop telling. The writable callback runs once for each time it can.
    virtual void want_writable(bool wanted) = 0;
    // Stop or resume telling of readability: how a reader that has enough holds back its sender.
    virtual void want_readable(bool wanted) = 0;
};

// One thread's event loop; it outlives its watches. `turn_end` runs after the callbacks of each wake-up. An interface, so that
// a test can wait for simulated time.
class Loop {
public:
    Loop() = default;
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    virtual ~Loop() = default;

    using Callback = std::function<void()>;
    // Calls `readable` whenever `fd` has something to read (readiness only: the callback reads, and may leave some: level
    // triggered), `writable` as asked for with want_writable. A callback may destroy its own watch.
    [[nodiscard]] virtual Result<std::unique_ptr<Watch>> watch(int fd, Callback readable, Callback writable = {}) = 0;
    // Sets the one timer: `due` (given once, at construction of the user) runs at `at` on CLOCK_MONOTONIC; `never` disarms it.
    virtual void set_due(Callback due) = 0;
    virtual void wake_at(Instant at) = 0;
    // Runs after every wake-up's callbacks: where a turn is finished.
    virtual void set_turn_end(Callback turn_end) = 0;
    // Waits and calls back until stop().
    virtual void run() = 0;
    virtual void stop() = 0;
};

// The one that waits for Linux: epoll(7), by Boost.Asio.
class AsioLoop final : public Loop {
public:
    AsioLoop();
    ~AsioLoop() override;

    [[nodiscard]] Result<std::unique_ptr<Watch>> watch(int fd, Callback readable, Callback writable = {}) override;
    void set_due(Callback due) override;
    void wake_at(Instant at) override;
    void set_turn_end(Callback turn_end) override;
    void run() override;
    void stop() override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace mi::loop
