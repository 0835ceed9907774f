// The clock on the wall: moments as this system's zone shows them, and back. The C library's functions for this are 120 KB in a
// static program, and we read zones anyway (calendar/zone.hpp).
#pragma once

#include "base/result.hpp"
#include "calendar/zone.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace mi::ctl {

// The zone of that name as an init on this system would find it; "": the one that TZ or /etc/localtime says.
[[nodiscard]] Result<calendar::Zone> zone_named(std::string name);

// What the clock shows.
struct WallClock {
    std::chrono::year_month_day date;
    std::chrono::weekday weekday;
    std::int64_t second = 0; // of the day
    std::string_view zone;   // "CEST"

    [[nodiscard]] std::string day() const;               // 2026-11-22
    [[nodiscard]] std::string time() const;              // 04:00:00
    [[nodiscard]] std::string_view weekday_name() const; // Mon
    [[nodiscard]] std::string_view month_name() const;   // Nov
};

// At a moment in microseconds since 1970. The zone is looked up once, or UTC's where it cannot be read.
[[nodiscard]] WallClock wall_clock(std::int64_t realtime_micros);

// The moment, in microseconds since 1970, at which the clock shows that.
[[nodiscard]] std::int64_t moment_of(std::chrono::sys_days date, std::int64_t second_of_day);

} // namespace mi::ctl
