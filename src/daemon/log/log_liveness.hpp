// How PID 1 notices that the log collector hangs. Decisions only; log_link.cpp acts on them.
//
// A collector that does not run (stopped, frozen, held by a debugger, in an endless loop, waiting for a disk that does not
// answer) must be replaced, or services block in write(2) as soon as their pipes are full. Three things make that certain
// without a wake-up while nothing is going on:
//
// - That a message was sent says nothing: the socket takes hundreds that are not read. So what counts is an answer. After
//   something was sent PID 1 sends `Ping`, and what was sent before it counts as taken when its `Pong` has come.
// - PID 1 has nothing to send when services only write. But it keeps the read ends of all pipes, so it can see that there is
//   something in them: they are in one epoll set of their own (os/process/any_readable.hpp), and the loop watches that set as one
//   descriptor. The first byte in any pipe wakes PID 1 once. It asks, and stops watching until the answer is there.
// - A stop by a signal is told to the parent, which PID 1 is: it sends SIGCONT at once, and then asks like after any work.
//
// So: nothing in the pipes and everything confirmed means that no timer runs; while services write without end there is one
// question every `between` seconds; and while there is something to do a collector that hangs, however it came to that, is
// killed `between` + `patience` later at most. Work of the collector's that takes longer than that is told by it (Pong{0}).
// The pipes and what was in flight are PID 1's, so to kill one too many costs some milliseconds and no line.
#pragma once

#include "base/time.hpp"

#include <algorithm>
#include <cstdint>

namespace mi::daemon {

class LogLiveness {
public:
    static constexpr Span patience = std::chrono::seconds(10); // with a question that is not answered
    static constexpr Span between = std::chrono::seconds(5);   // from one question to the next

    // There is something for it to do: it was sent something, or there is something in a pipe.
    void has_work() { work_ = true; }
    // It is expected to say Hello, or to end, until then.
    void expect(Instant until) { *this = LogLiveness(until); }
    void said_hello() {
        asked_ = false;
        deadline_ = never;
    }

    // Whether it is to be sent Ping{number()} now: then that has to be done.
    [[nodiscard]] bool asks(Instant now) {
        if (!work_ || asked_ || now < not_before_)
            return false;
        work_ = false;
        asked_ = true;
        ++number_;
        not_before_ = now + between;
        deadline_ = now + patience;
        return true;
    }
    [[nodiscard]] std::uint32_t number() const { return number_; }
    // A Pong has come.
    void answered(std::uint32_t number, Instant now) {
        if (number == 0 && asked_)
            deadline_ = std::max(deadline_, now + patience);
        if (number != number_ || number_ == 0)
            return;
        asked_ = false;
        deadline_ = never;
    }

    // Whether the pipes are to be watched: only where what comes in is news.
    [[nodiscard]] bool wants_news() const { return !work_ && !asked_; }
    [[nodiscard]] Instant next_deadline() const { return std::min(deadline_, work_ && !asked_ ? not_before_ : never); }
    // It hangs, and is to be killed: again after the same time, where the kernel holds it.
    [[nodiscard]] bool overdue(Instant now) {
        if (now < deadline_)
            return false;
        deadline_ = now + patience;
        return true;
    }

    LogLiveness() = default;

private:
    explicit LogLiveness(Instant deadline) : asked_(true), deadline_(deadline) {}

    bool work_ = false;
    bool asked_ = false; // and not answered yet
    std::uint32_t number_ = 0;
    Instant not_before_{}; // of the next question
    Instant deadline_ = never;
};

} // namespace mi::daemon
