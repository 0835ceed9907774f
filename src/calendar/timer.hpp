// What a unit's `[timer]` says: plain data, every value already parsed and checked. When it is due is schedule.hpp's.
#pragma once

#include "base/time.hpp"
#include "calendar/calendar.hpp"

#include <optional>
#include <vector>

namespace mi::calendar {

struct Timer {
    Span every{0};                  // 0: none
    std::optional<Span> after_boot; // 0 is at once
    Span jitter{0};
    std::vector<Calendar> calendar;
    bool persistent = false;
    bool operator==(const Timer&) const = default;
};

} // namespace mi::calendar
