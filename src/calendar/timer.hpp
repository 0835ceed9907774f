// The values of a unit's `[timer]`, parsed and checked. schedule.hpp decides when it is due.
#pragma once

#include "base/time.hpp"
#include "calendar/calendar.hpp"

#include <optional>
#include <vector>

namespace mi::calendar {

struct Timer {
    Span every{0};                  // 0: none
    std::optional<Span> after_boot; // 0: at once
    Span jitter{0};
    std::vector<Calendar> calendar;
    bool persistent = false;
    bool operator==(const Timer&) const = default;
};

} // namespace mi::calendar
