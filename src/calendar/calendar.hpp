// Calendar expressions for recurring times, in the language of systemd.time(7): "Mon..Fri 04:00". Parses and writes
// them, and finds the next time in a zone. Pure; schedule.hpp decides when a timer runs.
#pragma once

#include "base/time.hpp"
#include "calendar/zone.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::calendar {

struct Calendar {
    // One value or several: START, START..STOP, START/STEP or START..STOP/STEP.
    struct Part {
        std::int32_t start = 0;
        std::int32_t stop = -1; // -1: without a `step` only `start`; with a `step` up to the end of the field
        std::int32_t step = 0;
        auto operator<=>(const Part&) const = default;
    };
    using Field = std::vector<Part>; // sorted; empty: any value

    std::uint8_t weekdays = 0; // one bit for each weekday, Monday is the lowest; 0: any
    bool from_end = false;     // `days` count from the last day of the month, which is 1
    Field years, months, days, hours, minutes;
    Field seconds;    // in microseconds
    std::string zone; // "UTC" or a name of the zone database; empty: the local zone
    bool operator==(const Calendar&) const = default;
};

// A fault of an expression: a phrase, and a suggestion ("" if there is none).
struct CalendarFault {
    std::string message;
    std::string suggestion;
};

// Parses an expression.
[[nodiscard]] std::expected<Calendar, CalendarFault> parse_calendar(std::string_view text);

// The normal form of an expression: "Mon..Fri *-*-* 04:00:00".
[[nodiscard]] std::string text(const Calendar& calendar);

// The first such time after `after`, on the clock of `zone`; nullopt if there is none before the year 2200.
//
// When the clock changes: an expression that names hours means times of day, and each time happens once a day. One that
// the clock skips happens at the change; one that the clock shows twice happens the first time. An expression for every
// hour means elapsed time: a skipped hour has no times, and a doubled hour has all of them twice.
[[nodiscard]] std::optional<WallTime> next(const Calendar& calendar, WallTime after, const Zone& zone);

} // namespace mi::calendar
