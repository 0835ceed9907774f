// Waits for descriptors to become readable or writable, and for one timer. The only room that sees Boost.Asio. The
// daemon decides what to wait for.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <functional>
#include <memory>

namespace mi::loop {

// Watches one descriptor until it is destroyed. Does not own the descriptor.
class Watch {
public:
    virtual ~Watch() = default;
    // Starts or stops calls of `writable`, which runs once for each time the descriptor becomes writable.
    virtual void want_writable(bool wanted) = 0;
    // Stops or resumes calls of `readable`: so a reader that has enough data can hold back the sender.
    virtual void want_readable(bool wanted) = 0;
};

// The event loop of one thread; it must outlive its watches. An interface, so that a test can use simulated time.
class Loop {
public:
    Loop() = default;
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    virtual ~Loop() = default;

    using Callback = std::function<void()>;
    // Calls `readable` whenever `fd` is readable (level triggered: the callback reads itself, and may leave data), and
    // `writable` after want_writable. A callback may destroy its own watch.
    [[nodiscard]] virtual Result<std::unique_ptr<Watch>> watch(int fd, Callback readable, Callback writable = {}) = 0;
    // Sets the callback of the one timer, once. wake_at() makes it run at a time on CLOCK_MONOTONIC; `never` disarms
    // it.
    virtual void set_due(Callback due) = 0;
    virtual void wake_at(Instant at) = 0;
    // Sets the callback that runs after the callbacks of each wake-up: it finishes the turn.
    virtual void set_turn_end(Callback turn_end) = 0;
    // Waits and runs callbacks until stop().
    virtual void run() = 0;
    virtual void stop() = 0;
};

// The implementation for Linux: epoll(7), through Boost.Asio.
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
