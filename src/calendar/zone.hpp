// Time zones as data: the offset from UTC at each time. Made from the bytes of a zone file (TZif, RFC 8536) or from a
// rule as in TZ= and the footer of such files ("CET-1CEST,M3.5.0,M10.5.0/3"). Reads no file and no clock: PID 1 does
// not use the C library for local time, so tests can give it any zone, and a damaged file does no harm.
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
    // A period with one offset. `begin` and `end` (excluded) are in seconds since 1970 (UTC); offset: seconds east of
    // Greenwich.
    struct Period {
        std::int64_t begin, end;
        std::int32_t offset;
        std::string_view name = "UTC"; // "CEST"; valid as long as the Zone exists and is not moved
    };

    // UTC.
    Zone() = default;
    // The rule of a POSIX TZ string; nullopt: it is not valid.
    [[nodiscard]] static std::optional<Zone> from_rule(std::string_view rule);
    // The content of a zone file. The error is a phrase: "ends in the middle".
    [[nodiscard]] static std::expected<Zone, std::string_view> from_file(std::string_view bytes);

    // The period that contains `second`.
    [[nodiscard]] Period period(std::int64_t second) const;
    // The time at which the clock of the zone shows the local time `wall` (in seconds since 1970, as if it were UTC):
    // the first one if the clock shows it twice; the time of the change if the clock skips it.
    [[nodiscard]] std::int64_t moment_of(std::int64_t wall) const;

private:
    // The time in the year at which the clock changes, in local time before the change.
    struct Day {
        enum class Kind : std::uint8_t { of_month, of_year, of_year_without_leap_day };
        Kind kind = Kind::of_month;
        std::uint8_t month = 1, week = 1, weekday = 0; // of_month: week 5 is the last one; weekday 0 is Sunday
        std::int32_t number = 0;                       // of_year: from 0; without leap days: from 1
        std::int32_t time = 2 * 3600;                  // seconds; may lie in another day: -167 h to 167 h
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

    Change first_{}; // before all others
    std::vector<std::string> names_{"UTC"};
    std::vector<Change> changes_;
    std::optional<Rule> rule_; // after the last change
};

} // namespace mi::calendar
