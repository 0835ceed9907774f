// The one place that reads the kernel's clocks (clock_gettime(2)). Nothing here can fail, and a signal handler may call it.
#pragma once

#include "base/time.hpp"

namespace mi {

// CLOCK_MONOTONIC: for deadlines.
[[nodiscard]] Instant monotonic_now();
// CLOCK_REALTIME: for people and files.
[[nodiscard]] WallTime wall_now();
// CLOCK_BOOTTIME: since boot, the time asleep included.
[[nodiscard]] Span boottime_now();

// Microseconds since boot, as in messages and in the kernel's log.
[[nodiscard]] constexpr std::int64_t micros(Instant at) {
    return std::chrono::duration_cast<std::chrono::microseconds>(at.since_boot).count();
}

} // namespace mi
