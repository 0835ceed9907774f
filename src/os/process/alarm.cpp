#include "os/process/alarm.hpp"

#include "base/clock.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace mi::os {

namespace {

constexpr std::int64_t farthest = 9'000'000'000; // seconds: the year 2255, the limit of the kernel's own times

Result<Fd> open_timer(clockid_t clock) {
    Fd fd(::timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd)
        return fault(errno, "make timer");
    return fd;
}

// An absolute time, as near as the kernel accepts it. All zero would disarm the timer, so the time 0 becomes one
// nanosecond.
itimerspec at_time(std::int64_t seconds, std::int64_t nanoseconds) {
    itimerspec time{};
    time.it_value.tv_sec = std::clamp<std::int64_t>(seconds, 0, farthest);
    time.it_value.tv_nsec = seconds < 0 || seconds > farthest ? 0 : std::max<std::int64_t>(nanoseconds, 0);
    if (time.it_value.tv_sec == 0 && time.it_value.tv_nsec == 0)
        time.it_value.tv_nsec = 1;
    return time;
}

void take_ring(int fd) {
    std::uint64_t rings = 0;
    // The result does not matter (expired, cancelled by a clock step, or neither): the caller reads the clocks in any
    // case.
    while (::read(fd, &rings, sizeof rings) < 0 && errno == EINTR) {
    }
}

} // namespace

Moment present() {
    Span nearest = Span::max();
    Moment moment;
    // The process may be preempted between the two clock reads: take the closest of a few pairs.
    for (int attempt = 0; attempt < 5 && nearest > std::chrono::microseconds(50); ++attempt) {
        const Span before = boottime_now();
        const WallTime wall = wall_now();
        const Span after = boottime_now();
        if (after - before >= nearest)
            continue;
        nearest = after - before;
        moment = {before + nearest / 2, wall};
    }
    return moment;
}

Result<BootAlarm> BootAlarm::make() {
    auto fd = open_timer(CLOCK_BOOTTIME);
    if (!fd)
        return std::unexpected(fd.error());
    return BootAlarm(std::move(*fd));
}

Result<> BootAlarm::set(std::optional<Span> at) {
    constexpr std::int64_t second = 1'000'000'000;
    itimerspec time = at ? at_time(at->count() / second, at->count() % second) : itimerspec{};
    if (::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &time, nullptr) != 0)
        return fault(errno, "set timer");
    return {};
}

void BootAlarm::take() { take_ring(fd_.get()); }

Result<WallAlarm> WallAlarm::make() {
    auto fd = open_timer(CLOCK_REALTIME);
    if (!fd)
        return std::unexpected(fd.error());
    return WallAlarm(std::move(*fd));
}

Result<> WallAlarm::set(std::optional<WallTime> at) {
    constexpr std::int64_t second = 1'000'000;
    itimerspec time = at ? at_time(at->micros / second, at->micros % second * 1000) : at_time(farthest, 0);
    // A clock step since the last reading of the clock gives ECANCELED, and the timer is set all the same. The caller
    // must read the clock again, as after any expiry.
    if (::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &time, nullptr) != 0)
        return fault(errno, "set timer");
    return {};
}

void WallAlarm::take() { take_ring(fd_.get()); }

} // namespace mi::os
