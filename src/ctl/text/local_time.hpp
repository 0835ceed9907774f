// Converts between UTC and local time. The C library's functions for this would add 120 KB to a static program, and we
// read zones in any case (calendar/zone.hpp).
#pragma once

#include "base/result.hpp"
#include "calendar/zone.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace mi::ctl {

// The zone of that name, as an init on this system would find it; "": the zone of TZ or /etc/localtime.
[[nodiscard]] Result<calendar::Zone> zone_named(std::string name);

// A local date and time.
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

// The local time of a time in microseconds since 1970. The zone is read once; UTC if it cannot be read.
[[nodiscard]] WallClock wall_clock(std::int64_t realtime_micros);

// The time in microseconds since 1970 of a local date and time.
[[nodiscard]] std::int64_t moment_of(std::chrono::sys_days date, std::int64_t second_of_day);

} // namespace mi::ctl
