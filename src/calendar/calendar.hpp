// Calendar expressions: the language of systemd.time(7) for moments that come again, "Mon..Fri 04:00". Text to value
// and back, and the next such moment in a zone. Pure: when to wake up for it is schedule.hpp's.
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
    // One value, or several: START, START..STOP, START/STEP or START..STOP/STEP.
    struct Part {
        std::int32_t start = 0;
        std::int32_t stop = -1; // -1: without a `step` just `start`, with one as far as the field goes
        std::int32_t step = 0;
        auto operator<=>(const Part&) const = default;
    };
    using Field = std::vector<Part>; // sorted; empty: any value

    std::uint8_t weekdays = 0; // a bit each, Monday the lowest; 0: any
    bool from_end = false;     // `days` count from the last of the month, which is 1
    Field years, months, days, hours, minutes;
    Field seconds;    // in microseconds
    std::string zone; // "UTC" or a name as the zone database has it; empty: the local zone
    bool operator==(const Calendar&) const = default;
};

// What is wrong with an expression: a phrase, and how it might have been meant ("" where that is not clear).
struct CalendarFault {
    std::string message;
    std::string suggestion;
};

// The value of an expression.
[[nodiscard]] std::expected<Calendar, CalendarFault> parse_calendar(std::string_view text);

// The one way to write it in full: "Mon..Fri *-*-* 04:00:00".
[[nodiscard]] std::string text(const Calendar& calendar);

// The first such moment after `after`, by the clocks of `zone`; nothing where there is none before the year 2200.
//
// When the clocks are changed: an expression that names its hours means times of the day, and each comes once on each
// day: one that the clocks skip at the moment of the change, one that they show twice the first time. An expression for
// every hour means what goes by: nothing is made up for the hour that is left out, and both of the doubled one count.
[[nodiscard]] std::optional<WallTime> next(const Calendar& calendar, WallTime after, const Zone& zone);

} // namespace mi::calendar
