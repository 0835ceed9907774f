// Time zones as data: which offset from UTC holds when. Made from the bytes of a zone file (TZif, RFC 8536) or from a
// rule as TZ= and the foot of such files have it ("CET-1CEST,M3.5.0,M10.5.0/3"). No file is read and no clock: PID 1
// asks no C library for the local time, so that tests can give it any zone and a damaged file can do no harm.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::calendar {

class Zone {
public:
    // A stretch of time with one offset. Seconds since 1970 (UTC), `end` excluded; offset: seconds east of Greenwich.
    struct Period {
        std::int64_t begin, end;
        std::int32_t offset;
        std::string_view name = "UTC"; // "CEST"; as long as the Zone lives and is not moved
    };

    // UTC.
    Zone() = default;
    // The rule of a POSIX TZ string; nothing where it is none.
    [[nodiscard]] static std::optional<Zone> from_rule(std::string_view rule);
    // The contents of a zone file. The error is a phrase: "ends in the middle".
    [[nodiscard]] static std::expected<Zone, std::string_view> from_file(std::string_view bytes);

    // The stretch that `second` lies in.
    [[nodiscard]] Period period(std::int64_t second) const;
    // The moment at which the clocks show what they show at `wall` in UTC: the first one, where they show it twice; that of
    // the change, where they leave it out.
    [[nodiscard]] std::int64_t moment_of(std::int64_t wall) const;

private:
    // When the clocks change, within a year, as their wall shows it before the change.
    struct Day {
        enum class Kind : std::uint8_t { of_month, of_year, of_year_without_leap_day };
        Kind kind = Kind::of_month;
        std::uint8_t month = 1, week = 1, weekday = 0; // of_month: week 5 is the last; weekday 0 is Sunday
        std::int32_t number = 0;                       // of_year: from 0; without leap day: from 1
        std::int32_t time = 2 * 3600;                  // may lie in another day: -167 h to 167 h
    };
    struct Rule {
        std::int32_t standard = 0, summer = 0;
        bool has_summer = false;
        Day begin, end; // of summer time
        std::string standard_name, summer_name;
    };
    struct Change {
        std::int64_t at;
        std::int32_t offset;   // from then on
        std::uint8_t name = 0; // in names_
    };
    struct RuleReader;

    [[nodiscard]] static std::optional<Rule> parse_rule(std::string_view text);
    [[nodiscard]] static std::int64_t moment(const Day& day, int year, std::int32_t offset_before);
    [[nodiscard]] Period by_rule(std::int64_t second) const;

    Change first_{}; // what holds before any other
    std::vector<std::string> names_{"UTC"};
    std::vector<Change> changes_;
    std::optional<Rule> rule_; // after the last change
};

} // namespace mi::calendar
