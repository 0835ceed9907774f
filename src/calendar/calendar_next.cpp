// Finds the next time of a calendar expression: searches the fields of a date, then converts local time to UTC.
#include "calendar/calendar.hpp"

#include <chrono>
#include <utility>

namespace mi::calendar {

namespace {

constexpr std::int64_t second = 1'000'000; // in microseconds, as every time here
constexpr std::int64_t minute = 60 * second, hour = 60 * minute, day = 24 * hour;
constexpr int first_year = 1970, last_year = 2199;
constexpr std::int32_t none = -1;

std::int64_t floor_div(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

// The least value of the part that is at least `least`, or none.
std::int32_t in_part(const Calendar::Part& part, std::int32_t least) {
    if (part.start >= least)
        return part.start;
    if (part.step <= 0)
        return none;
    std::int64_t steps = (std::int64_t{least} - part.start + part.step - 1) / part.step;
    std::int64_t value = part.start + steps * part.step;
    return (part.stop >= 0 && value > part.stop) || value > INT32_MAX ? none : static_cast<std::int32_t>(value);
}

// The least value of the field from `least` to `most`, or none.
std::int32_t in_field(const Calendar::Field& field, std::int32_t least, std::int32_t most) {
    std::int32_t best = field.empty() ? least : none;
    for (const Calendar::Part& part : field)
        if (std::int32_t value = in_part(part, least); value != none && (best == none || value < best))
            best = value;
    return best > most ? none : best;
}

// The same for the day of a month of `length` days.
std::int32_t in_days(const Calendar& calendar, std::int32_t least, std::int32_t length) {
    if (!calendar.from_end)
        return in_field(calendar.days, least, length);
    std::int32_t best = none;
    for (Calendar::Part part : calendar.days) {
        part.start = length + 1 - part.start;
        if (part.stop >= 0) {
            part.stop = length + 1 - part.stop;
            std::swap(part.start, part.stop);
        }
        std::int32_t value = in_part(part, least);
        if (value != none && value <= length && (best == none || value < best))
            best = value;
    }
    return best;
}

// The first time of day from `least` on (both in microseconds since midnight), or none.
std::int64_t in_day(const Calendar& calendar, std::int64_t least) {
    auto h = static_cast<std::int32_t>(least / hour), m = static_cast<std::int32_t>(least % hour / minute),
         s = static_cast<std::int32_t>(least % minute);
    while (h < 24) {
        std::int32_t found = in_field(calendar.hours, h, 23);
        if (found == none)
            return none;
        if (std::exchange(h, found) != found)
            m = s = 0;
        for (; m < 60; ++m, s = 0) {
            found = in_field(calendar.minutes, m, 59);
            if (found == none)
                break;
            if (std::exchange(m, found) != found)
                s = 0;
            if (std::int32_t in_minute = in_field(calendar.seconds, s, minute - 1); in_minute != none)
                return h * hour + m * minute + in_minute;
        }
        ++h;
        m = s = 0;
    }
    return none;
}

// The first local date and time from `local` on that matches the expression, both in microseconds since 1970 on the
// clock of the zone. Each round moves to a later date, and the years are limited, so the loop ends.
std::optional<std::int64_t> in_calendar(const Calendar& calendar, std::int64_t local) {
    using namespace std::chrono;
    local = std::max<std::int64_t>(local, 0);
    if (local / day > 365 * 400)
        return std::nullopt;
    year_month_day date{sys_days{days{local / day}}};
    std::int32_t y = static_cast<int>(date.year());
    auto m = static_cast<std::int32_t>(static_cast<unsigned>(date.month())),
         d = static_cast<std::int32_t>(static_cast<unsigned>(date.day()));
    std::int64_t time = local % day;
    while (y <= last_year) {
        std::int32_t found = in_field(calendar.years, y, last_year);
        if (found == none)
            return std::nullopt;
        if (std::exchange(y, found) != found) {
            m = d = 1;
            time = 0;
        }
        found = in_field(calendar.months, m, 12);
        if (found == none) {
            ++y;
            m = d = 1;
            time = 0;
            continue;
        }
        if (std::exchange(m, found) != found) {
            d = 1;
            time = 0;
        }
        const std::chrono::month month_of{static_cast<unsigned>(m)};
        auto length = static_cast<std::int32_t>(static_cast<unsigned>((year{y} / month_of / last).day()));
        found = in_days(calendar, d, length);
        if (found == none) {
            ++m;
            d = 1;
            time = 0;
            continue;
        }
        if (std::exchange(d, found) != found)
            time = 0;
        sys_days whole{year{y} / month_of / static_cast<unsigned>(d)};
        unsigned weekday_from_monday = weekday{whole}.iso_encoding() - 1;
        bool fits = calendar.weekdays == 0 || (calendar.weekdays >> weekday_from_monday & 1) != 0;
        if (std::int64_t of_day = fits ? in_day(calendar, time) : none; of_day != none)
            return whole.time_since_epoch().count() * day + of_day;
        ++d;
        time = 0;
    }
    return std::nullopt;
}

bool every_hour(const Calendar& calendar) {
    for (std::int32_t h = 0; h < 24; ++h)
        if (in_field(calendar.hours, h, h) == none)
            return false;
    return true;
}

// The zone's period that contains `at`, in microseconds.
Zone::Period period_at(const Zone& zone, std::int64_t at) {
    constexpr std::int64_t limit = INT64_MAX / second - day; // far beyond every year that is asked for
    Zone::Period period = zone.period(floor_div(at, second));
    period.begin = std::max(period.begin, -limit) * second;
    period.end = std::min(period.end, limit) * second;
    return period;
}

std::int64_t offset(const Zone::Period& period) { return period.offset * second; }

// The first time at which the clock shows `local`, or the change that skips it; and the local time at which the period
// of that time ends.
struct Shown {
    std::int64_t at, local_end;
};
Shown first_shown(const Zone& zone, std::int64_t local) {
    constexpr std::int64_t most_offset = 27 * hour;
    Zone::Period period = period_at(zone, local - most_offset);
    while (local - offset(period) >= period.end)
        period = period_at(zone, period.end);
    return {std::max(local - offset(period), period.begin), period.end + offset(period)};
}

} // namespace

std::optional<WallTime> next(const Calendar& calendar, WallTime after, const Zone& zone) {
    if (after.micros >= (last_year + 1 - first_year) * 366 * day)
        return std::nullopt;
    std::int64_t from = std::max<std::int64_t>(after.micros, -1) + 1;
    Zone::Period period = period_at(zone, from);
    if (every_hour(calendar)) {
        for (;;) {
            auto local = in_calendar(calendar, from + offset(period));
            if (!local)
                return std::nullopt;
            if (*local - offset(period) < period.end)
                return WallTime{*local - offset(period)};
            from = period.end;
            period = period_at(zone, from);
        }
    }
    auto local = in_calendar(calendar, from + offset(period));
    while (local) {
        Shown shown = first_shown(zone, *local);
        if (shown.at >= from)
            return WallTime{shown.at};
        // The clock shows it for the second time: go on to a local time that it shows only once.
        local = in_calendar(calendar, std::max(shown.local_end, *local + 1));
    }
    return std::nullopt;
}

} // namespace mi::calendar
