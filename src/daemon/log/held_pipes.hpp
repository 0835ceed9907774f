// Pipes of services that the collector has not been given, because there has been nothing in them.
//
// Most services say nothing for most of their lives, and a short command nothing at all. A pipe that the collector has costs
// both processes a wake-up when it is handed over and another one when it ends, on the processors that the next start needs, and
// memory as long as it is there. So a new pipe stays here until there is something to read:
//
// - for its first `first_look` it is merely listed; then all of the list are looked at, with one poll(2);
// - what is empty then joins an epoll(7) set, whose one descriptor the loop watches, so that the first byte wakes PID 1;
// - what is empty when the last process that could write to it is gone is closed, and the collector has never heard of it.
//
// Nothing waits longer than `first_look` because of it. PID 1 never reads a pipe: what is in it belongs to the collector.
#pragma once

#include "base/time.hpp"
#include "daemon/kernel.hpp"
#include "os/process/any_readable.hpp"
#include "wire/log_protocol.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace mi::daemon {

class HeldPipes {
public:
    static constexpr Span first_look = std::chrono::milliseconds(5);

    // `news`: there may be something for take().
    HeldPipes(Kernel& kernel, std::function<void()> news);

    // Holds the read end of a pipe, which stays its owner's; remove() it before it is closed. False: it cannot be held.
    [[nodiscard]] bool add(wire::logs::StreamId stream, int pipe);
    void remove(wire::logs::StreamId stream, int pipe);
    [[nodiscard]] bool empty() const { return count_ == 0; }

    // What has become of some of them; they are held no more.
    struct Found {
        std::vector<wire::logs::StreamId> filled; // there is something in them
        std::vector<wire::logs::StreamId> ended;  // there is nothing, and there will be nothing
    };
    [[nodiscard]] Found take();

    // Since when take() should have been called.
    [[nodiscard]] Instant next_deadline() const { return look_at_; }

private:
    struct Pipe {
        wire::logs::StreamId stream;
        int fd;
    };
    void look_at_new(Found& found);
    void look_at_quiet(Found& found);
    [[nodiscard]] bool make_quiet(const Pipe& pipe);

    Kernel& kernel_;
    std::function<void()> news_;
    std::vector<Pipe> new_;
    std::optional<os::AnyReadable> quiet_; // those that were empty when they were looked at
    std::unique_ptr<loop::Watch> watch_;   // of `quiet_`
    std::size_t count_ = 0;                // of both
    Instant look_at_ = never;
};

} // namespace mi::daemon
