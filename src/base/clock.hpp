// The only place that reads the kernel's clocks (clock_gettime(2)). These functions cannot fail, and a signal handler
// may call them.
#pragma once

#include "base/time.hpp"

namespace mi {

// CLOCK_MONOTONIC: for deadlines.
[[nodiscard]] Instant monotonic_now();
// CLOCK_REALTIME: for people and files.
[[nodiscard]] WallTime wall_now();
// CLOCK_BOOTTIME: since boot, including suspended time.
[[nodiscard]] Span boottime_now();

// Microseconds since boot, the unit of messages and of the kernel's log.
[[nodiscard]] constexpr std::int64_t micros(Instant at) {
    return std::chrono::duration_cast<std::chrono::microseconds>(at.since_boot).count();
}

} // namespace mi
