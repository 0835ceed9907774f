// Clocks, and descriptors that become readable when a moment has come on one of them: timerfd_create(2). What is to happen
// then is the caller's.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <optional>

namespace mi::os {

// The present on CLOCK_BOOTTIME, which time asleep counts for and no step concerns, and on CLOCK_REALTIME: both of one
// moment, as nearly as can be had.
struct Moment {
    Span boot{0};
    WallTime wall;
};
[[nodiscard]] Moment present();

// Rings at a moment of CLOCK_BOOTTIME.
class BootAlarm {
public:
    [[nodiscard]] static Result<BootAlarm> make();
    [[nodiscard]] int fd() const { return fd_.get(); }
    // Nothing: never. A moment that has passed rings at once.
    [[nodiscard]] Result<> set(std::optional<Span> at);
    // Takes the ring, so that the descriptor is silent again.
    void take();

private:
    explicit BootAlarm(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

// Rings at a moment of CLOCK_REALTIME, and also when somebody sets that clock: until then it is armed even for "never".
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
