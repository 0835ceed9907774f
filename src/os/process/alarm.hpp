// Clocks, and descriptors that become readable at a time of one of them (timerfd_create(2)). The caller decides what to
// do then.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <optional>

namespace mi::os {

// The present time on CLOCK_BOOTTIME (which counts suspended time, and never steps) and on CLOCK_REALTIME, both read at
// the same moment, as nearly as possible.
struct Moment {
    Span boot{0};
    WallTime wall;
};
[[nodiscard]] Moment present();

// Becomes readable at a time of CLOCK_BOOTTIME.
class BootAlarm {
public:
    [[nodiscard]] static Result<BootAlarm> make();
    [[nodiscard]] int fd() const { return fd_.get(); }
    // nullopt: never. A time in the past makes it readable at once.
    [[nodiscard]] Result<> set(std::optional<Span> at);
    // Reads the descriptor, so that it is no longer readable.
    void take();

private:
    explicit BootAlarm(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

// Becomes readable at a time of CLOCK_REALTIME, and also when that clock is set; even if the time is "never", it
// reports that.
class WallAlarm {
public:
    [[nodiscard]] static Result<WallAlarm> make();
    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] Result<> set(std::optional<WallTime> at);
    void take();

private:
    explicit WallAlarm(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

} // namespace mi::os
