#include "base/clock.hpp"

#include <ctime>

namespace mi {

namespace {

Span read(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time); // cannot fail for the clocks used here
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

} // namespace

Instant monotonic_now() { return {read(CLOCK_MONOTONIC)}; }

WallTime wall_now() { return {std::chrono::duration_cast<std::chrono::microseconds>(read(CLOCK_REALTIME)).count()}; }

Span boottime_now() { return read(CLOCK_BOOTTIME); }

} // namespace mi
