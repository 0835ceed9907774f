// Moments as people write them, for `minictl logs --since`.
#include "ctl/logs.hpp"

#include "base/text.hpp"

#include <cctype>
#include <ctime>

namespace mi::ctl {
namespace {

constexpr std::int64_t second = 1'000'000; // microseconds

// "2h 30min", "90", "1.5 h" is not one: whole numbers, each with a unit; a bare number is seconds.
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

tm local(WallTime at) {
    const time_t seconds = static_cast<time_t>(at.micros / second);
    tm broken{};
    ::localtime_r(&seconds, &broken);
    return broken;
}

WallTime midnight(WallTime now, int days_ago) {
    tm day = local(now);
    day.tm_hour = day.tm_min = day.tm_sec = 0;
    day.tm_mday -= days_ago;
    day.tm_isdst = -1;
    return {std::int64_t{::mktime(&day)} * second};
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
    // [YYYY-MM-DD][T or blank][HH:MM[:SS[.fraction]]][Z]
    const bool utc = text.ends_with('Z');
    if (utc)
        text.remove_suffix(1);
    const std::string copy(text);
    tm parts = local(now);
    parts.tm_sec = 0;
    const char* rest = copy.c_str();
    if (copy.find('-') != copy.npos) {
        parts.tm_hour = parts.tm_min = 0;
        rest = ::strptime(rest, "%Y-%m-%d", &parts);
        if (rest == nullptr)
            return std::nullopt;
        if (*rest == 'T' || *rest == ' ')
            ++rest;
        else if (*rest != 0)
            return std::nullopt;
    } else if (utc || copy.empty()) {
        return std::nullopt;
    }
    std::int64_t micros = 0;
    if (*rest != 0) {
        const char* begin = rest;
        rest = ::strptime(begin, "%H:%M:%S", &parts);
        if (rest == nullptr) {
            parts.tm_sec = 0;
            rest = ::strptime(begin, "%H:%M", &parts);
        }
        if (rest != nullptr && *rest == '.') {
            std::int64_t scale = second / 10;
            for (++rest; std::isdigit(static_cast<unsigned char>(*rest)) != 0; ++rest, scale /= 10)
                micros += (*rest - '0') * scale;
        }
        if (rest == nullptr || *rest != 0)
            return std::nullopt;
    }
    parts.tm_isdst = -1;
    return WallTime{std::int64_t{utc ? ::timegm(&parts) : ::mktime(&parts)} * second + micros};
}

} // namespace mi::ctl
