// The types of time in the core, where time is a parameter. clock.hpp reads the clocks.
#pragma once

#include <chrono>
#include <cstdint>

namespace mi {

// A duration in nanoseconds, so that the durations of every key and clock fit without loss.
using Span = std::chrono::nanoseconds;

// A time on CLOCK_MONOTONIC, counted from boot. It stays valid across re-exec, but not across a reboot.
struct Instant {
    Span since_boot{0};
    auto operator<=>(const Instant&) const = default;
};
constexpr Instant operator+(Instant at, Span span) { return {at.since_boot + span}; }
constexpr Instant operator-(Instant at, Span span) { return {at.since_boot - span}; }
constexpr Span operator-(Instant a, Instant b) { return a.since_boot - b.since_boot; }

// Later than every other time: "no deadline".
constexpr Instant never{Span::max()};

// A time on the wall clock (CLOCK_REALTIME), in microseconds since 1970 UTC. Only for people and files, never for
// deadlines.
struct WallTime {
    std::int64_t micros = 0;
    auto operator<=>(const WallTime&) const = default;
};

} // namespace mi
