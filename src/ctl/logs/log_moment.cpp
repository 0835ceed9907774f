// Parses times as people write them, for `minictl logs --since`.
#include "ctl/logs/logs.hpp"

#include "base/text.hpp"
#include "ctl/text/local_time.hpp"

#include <algorithm>

namespace mi::ctl {
namespace {

constexpr std::int64_t second = 1'000'000; // microseconds

// "2h 30min" or "90", but not "1.5 h": whole numbers, each with a unit; without a unit in seconds.
std::optional<std::int64_t> span_in_micros(std::string_view text) {
    struct Unit {
        std::string_view name;
        std::int64_t micros;
    };
    static constexpr Unit units[] = {{"s", second},
                                     {"sec", second},
                                     {"second", second},
                                     {"seconds", second},
                                     {"ms", second / 1000},
                                     {"", second},
                                     {"m", 60 * second},
                                     {"min", 60 * second},
                                     {"minute", 60 * second},
                                     {"minutes", 60 * second},
                                     {"h", 3600 * second},
                                     {"hour", 3600 * second},
                                     {"hours", 3600 * second},
                                     {"d", 86'400 * second},
                                     {"day", 86'400 * second},
                                     {"days", 86'400 * second},
                                     {"w", 7 * 86'400 * second},
                                     {"week", 7 * 86'400 * second},
                                     {"weeks", 7 * 86'400 * second}};
    std::int64_t sum = 0;
    text = trim(text);
    if (text.empty())
        return std::nullopt;
    while (!text.empty()) {
        const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
        auto number = to_number<std::int64_t>(text.substr(0, digits));
        if (!number || *number > 1'000'000'000)
            return std::nullopt;
        text = text.substr(digits);
        text = text.substr(std::min(text.find_first_not_of(' '), text.size()));
        const std::size_t letters = std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), text.size());
        const Unit* found = nullptr;
        for (const Unit& unit : units)
            if (unit.name == text.substr(0, letters))
                found = &unit;
        if (found == nullptr)
            return std::nullopt;
        sum += *number * found->micros;
        text = trim(text.substr(letters));
    }
    return sum;
}

WallTime midnight(WallTime now, int days_ago) {
    return {moment_of(std::chrono::sys_days(wall_clock(now.micros).date) - std::chrono::days(days_ago), 0)};
}

// Removes a number of at most `digits` digits, from `low` to `high`, from the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t digits, int low, int high) {
    const std::size_t length = std::min({text.find_first_not_of("0123456789"), text.size(), digits});
    auto number = to_number<int>(text.substr(0, length));
    if (!number || *number < low || *number > high)
        return std::nullopt;
    text.remove_prefix(length);
    return number;
}

bool take(std::string_view& text, char letter) {
    if (!text.starts_with(letter))
        return false;
    text.remove_prefix(1);
    return true;
}

// YYYY-MM-DD
std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
    const auto year = take_number(text, 4, 0, 9999);
    const auto month = year && take(text, '-') ? take_number(text, 2, 1, 12) : std::nullopt;
    const auto day = month && take(text, '-') ? take_number(text, 2, 1, 31) : std::nullopt;
    if (!day)
        return std::nullopt;
    return std::chrono::sys_days(std::chrono::year(*year) / *month / *day);
}

// HH:MM[:SS[.fraction]], in microseconds
std::optional<std::int64_t> take_time(std::string_view& text) {
    const auto hour = take_number(text, 2, 0, 23);
    const auto minute = hour && take(text, ':') ? take_number(text, 2, 0, 59) : std::nullopt;
    if (!minute)
        return std::nullopt;
    std::int64_t micros = (*hour * 3600 + *minute * 60) * second;
    if (!take(text, ':'))
        return micros;
    const auto whole = take_number(text, 2, 0, 61);
    if (!whole)
        return std::nullopt;
    micros += *whole * second;
    if (take(text, '.'))
        for (std::int64_t scale = second / 10; !text.empty() && text[0] >= '0' && text[0] <= '9'; scale /= 10) {
            micros += (text[0] - '0') * scale;
            text.remove_prefix(1);
        }
    return micros;
}

} // namespace

std::optional<WallTime> parse_moment(std::string_view text, WallTime now) {
    text = trim(text);
    if (text == "now")
        return now;
    if (text == "today")
        return midnight(now, 0);
    if (text == "yesterday")
        return midnight(now, 1);
    if (text.starts_with('-'))
        if (auto span = span_in_micros(text.substr(1)))
            return WallTime{now.micros - *span};
    if (text.ends_with(" ago")) {
        auto span = span_in_micros(text.substr(0, text.size() - 4));
        return span ? std::optional(WallTime{now.micros - *span}) : std::nullopt;
    }
    // "10m" means 10 minutes ago.
    if (!text.empty() && text.back() >= 'a' && text.back() <= 'z')
        if (auto span = span_in_micros(text))
            return WallTime{now.micros - *span};
    // [YYYY-MM-DD][T or blank][HH:MM[:SS[.fraction]]][Z]
    const bool utc = text.ends_with('Z');
    if (utc)
        text.remove_suffix(1);
    std::optional date(std::chrono::sys_days(wall_clock(now.micros).date));
    std::optional<std::int64_t> micros = 0;
    const bool dated = text.find('-') != text.npos;
    if (dated) {
        date = take_date(text);
        if (!date || (!text.empty() && !take(text, 'T') && !take(text, ' ')))
            return std::nullopt;
    }
    if (!text.empty())
        micros = take_time(text);
    else if (!dated)
        return std::nullopt;
    if (!micros || !text.empty() || (utc && !dated))
        return std::nullopt;
    const std::int64_t midnight_in_utc = std::int64_t{date->time_since_epoch().count()} * 86'400 * second;
    return WallTime{utc ? midnight_in_utc + *micros : moment_of(*date, *micros / second) + *micros % second};
}

} // namespace mi::ctl
