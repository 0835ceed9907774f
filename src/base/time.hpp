// Time as the core sees it: a parameter, never a call. Reading a clock is the edge's business.
#pragma once

#include <chrono>
#include <cstdint>

namespace mi {

// A length of time. Nanoseconds inside, so that durations of every key and clock fit without loss.
using Span = std::chrono::nanoseconds;

// A moment on CLOCK_MONOTONIC, counted from boot; survives re-exec, not a reboot.
struct Instant {
    Span since_boot{0};
    auto operator<=>(const Instant&) const = default;
};
constexpr Instant operator+(Instant at, Span span) { return {at.since_boot + span}; }
constexpr Instant operator-(Instant at, Span span) { return {at.since_boot - span}; }
constexpr Span operator-(Instant a, Instant b) { return a.since_boot - b.since_boot; }

// Later than every moment: "no deadline".
constexpr Instant never{Span::max()};

// A moment of the wall clock (CLOCK_REALTIME), microseconds since 1970 UTC. For people and files only, never for deadlines.
struct WallTime {
    std::int64_t micros = 0;
    auto operator<=>(const WallTime&) const = default;
};

} // namespace mi
