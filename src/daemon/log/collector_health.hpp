// Whether the log collector still works: what log_liveness.hpp decides, with the clock and the pipes.
#pragma once

#include "daemon/kernel.hpp"
#include "daemon/log/log_liveness.hpp"
#include "daemon/log/log_streams.hpp"
#include "os/process/any_readable.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace mi::daemon {

class CollectorHealth {
public:
    CollectorHealth(Kernel& kernel, LogStreams& streams);

    // A collector was started, or is to end: it has to do so within `patience`.
    void expect() { liveness_.expect(kernel_.now() + LogLiveness::patience); }
    void said_hello() { liveness_.said_hello(); }
    void has_work() { liveness_.has_work(); }
    void answered(std::uint32_t number) { liveness_.answered(number, kernel_.now()); }
    // There is none any more.
    void forget();

    // The collector was given these.
    void watch(const std::vector<wire::logs::StreamId>& streams);
    void closing(const LogStream& stream);

    // The end of a turn; `serves`: the collector has said Hello and is not about to end. A number: it is to be sent a Ping with it.
    [[nodiscard]] std::optional<std::uint32_t> end_turn(bool serves);

    [[nodiscard]] Instant next_deadline() const { return liveness_.next_deadline(); }
    // It hangs, and is to be killed.
    [[nodiscard]] bool overdue(Instant now) { return liveness_.overdue(now); }

private:
    void watch_new_pipes();

    Kernel& kernel_;
    LogStreams& streams_;
    LogLiveness liveness_;
    std::optional<os::AnyReadable> unread_; // pipes that the collector has; none where there is no such thing
    std::vector<wire::logs::StreamId> not_watched_yet_; // those that join it when it is next watched
    std::unique_ptr<loop::Watch> unread_watch_;         // while it is news that there is something in one
};

} // namespace mi::daemon
