#include "wire/log_format.hpp"

#include "base/hash.hpp"
#include "base/unreachable.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

namespace mi::wire::logs {
namespace {

constexpr std::array<std::string_view, 8> priority_words{"emerg",   "alert",  "crit", "err",
                                                         "warning", "notice", "info", "debug"};
constexpr std::array<std::string_view, 6> source_words{"out", "err", "health", "init", "syslog", "kernel"};
// 12 to 15 have no names in syslog(3): their uses in RFC 5424.
constexpr std::array<std::string_view, facilities> facility_words{
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog",   "lpr",     "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "security", "console", "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5",   "local6",  "local7"};
constexpr std::string_view suffix = ".log";
constexpr std::int64_t day = 86'400'000'000; // microseconds

void digits(char* to, int count, std::int64_t value) {
    for (; count > 0; value /= 10)
        to[--count] = static_cast<char>('0' + value % 10);
}

struct Calendar {
    std::int64_t year, month, day, hour, minute, second, micros;
};

Calendar calendar_of(WallTime at) {
    constexpr std::int64_t first = -62'167'219'200'000'000, last = 253'402'300'799'999'999; // years 0 and 9999
    std::int64_t micros = std::clamp(at.micros, first, last);
    std::int64_t days = micros / day - (micros % day < 0 ? 1 : 0);
    micros -= days * day;
    std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
    return {int{date.year()},         unsigned{date.month()},  unsigned{date.day()}, micros / 3'600'000'000,
            micros / 60'000'000 % 60, micros / 1'000'000 % 60, micros % 1'000'000};
}

// Matches `text` with a pattern; a digit in it matches any digit, and is the index of the field in `fields` to which
// that digit belongs.
template <std::size_t count>
bool match(std::string_view text, std::string_view pattern, std::array<int, count>& fields) {
    if (text.size() < pattern.size())
        return false;
    std::size_t field = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] >= '0' && pattern[i] <= '6') { // the index of the field
            if (text[i] < '0' || text[i] > '9')
                return false;
            field = static_cast<std::size_t>(pattern[i] - '0');
            fields[field] = fields[field] * 10 + (text[i] - '0');
        } else if (text[i] != pattern[i]) {
            return false;
        }
    }
    return true;
}

std::optional<WallTime> time_of(const std::array<int, 7>& f) {
    using namespace std::chrono;
    year_month_day date{year(f[0]), month(static_cast<unsigned>(f[1])), std::chrono::day(static_cast<unsigned>(f[2]))};
    if (!date.ok() || f[3] > 23 || f[4] > 59 || f[5] > 60)
        return std::nullopt;
    std::int64_t seconds = (f[3] * 60 + f[4]) * 60 + f[5];
    return WallTime{sys_days(date).time_since_epoch().count() * logs::day + seconds * 1'000'000 + f[6]};
}

bool plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("@_.:+,=-").find(c) != std::string_view::npos;
}

int hex_value(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

} // namespace

std::string_view word_of(Priority priority) { return priority_words[static_cast<std::size_t>(priority)]; }
std::string_view word_of(Source source) { return source_words[static_cast<std::size_t>(source)]; }

std::string_view word_of_facility(Facility facility) {
    return facility_words[facility < facilities ? facility : facility_user];
}

std::optional<Facility> facility_of(std::string_view word) {
    const auto at = std::find(facility_words.begin(), facility_words.end(), word);
    return at == facility_words.end() ? std::nullopt
                                      : std::optional(static_cast<Facility>(at - facility_words.begin()));
}

Facility usual_facility(Source source) {
    switch (source) {
    case Source::out:
    case Source::health:
    case Source::err:
    case Source::init: return facility_daemon;
    case Source::syslog: return facility_user;
    case Source::kernel: return facility_kern;
    }
    unreachable("there is no other source of lines");
}

std::optional<Priority> priority_of(std::string_view word) {
    if (word.size() == 1 && word[0] >= '0' && word[0] <= '7')
        return static_cast<Priority>(word[0] - '0');
    for (std::size_t i = 0; i < priority_words.size(); ++i)
        if (word == priority_words[i])
            return static_cast<Priority>(i);
    if (word == "error")
        return Priority::err;
    if (word == "warn")
        return Priority::warning;
    if (word == "panic" || word == "emergency")
        return Priority::emerg;
    if (word == "critical")
        return Priority::crit;
    return std::nullopt;
}

void write_stamp(WallTime at, char* to) {
    Calendar c = calendar_of(at);
    std::memcpy(to, "0000-00-00T00:00:00.000000Z", stamp_size);
    digits(to, 4, c.year);
    digits(to + 5, 2, c.month);
    digits(to + 8, 2, c.day);
    digits(to + 11, 2, c.hour);
    digits(to + 14, 2, c.minute);
    digits(to + 17, 2, c.second);
    digits(to + 20, 6, c.micros);
}

std::string stamp_of(WallTime at) {
    std::string stamp(stamp_size, '\0');
    write_stamp(at, stamp.data());
    return stamp;
}

std::optional<WallTime> parse_stamp(std::string_view text) {
    std::array<int, 7> fields{};
    if (!match(text, "0000-11-22T33:44:55.666666Z", fields))
        return std::nullopt;
    return time_of(fields);
}

std::size_t write_prefix(std::string_view stamp, Priority priority, Source source, bool unended, char* to,
                         Facility facility) {
    char* at = to;
    auto put = [&](std::string_view text) {
        std::memcpy(at, text.data(), text.size());
        at += text.size();
    };
    put(stamp);
    *at++ = ' ';
    put(word_of(priority));
    *at++ = ' ';
    put(word_of(source));
    if (source >= Source::syslog && facility < facilities && facility != usual_facility(source)) {
        *at++ = '.';
        put(word_of_facility(facility));
    }
    if (unended)
        *at++ = '+';
    put(": ");
    return static_cast<std::size_t>(at - to);
}

std::optional<Line> parse_line(std::string_view line) {
    auto at = parse_stamp(line);
    if (!at || line.size() < stamp_size + 1 || line[stamp_size] != ' ')
        return std::nullopt;
    line.remove_prefix(stamp_size + 1);
    std::size_t blank = line.find(' ');
    std::size_t colon = line.find(": ");
    if (blank == line.npos || colon == line.npos || colon < blank)
        return std::nullopt;
    auto priority = std::find(priority_words.begin(), priority_words.end(), line.substr(0, blank));
    std::string_view stream = line.substr(blank + 1, colon - blank - 1);
    bool unended = stream.ends_with('+');
    if (unended)
        stream.remove_suffix(1);
    const std::size_t dot = stream.find('.');
    auto word = std::find(source_words.begin(), source_words.end(), stream.substr(0, dot));
    if (priority == priority_words.end() || word == source_words.end())
        return std::nullopt;
    const auto source = static_cast<Source>(word - source_words.begin());
    Facility facility = usual_facility(source);
    if (dot != stream.npos) {
        auto named = std::find(facility_words.begin(), facility_words.end(), stream.substr(dot + 1));
        if (source < Source::syslog || named == facility_words.end())
            return std::nullopt;
        facility = static_cast<Facility>(named - facility_words.begin());
    }
    return Line{
        *at,     static_cast<Priority>(priority - priority_words.begin()), source, unended, line.substr(colon + 2),
        facility};
}

namespace {
constexpr std::string_view start_head = "miniinit ", start_tail = " mode";
} // namespace

std::string start_text(std::string_view mode) {
    return std::string(start_head) + MINIINIT_VERSION ", " + std::string(mode) + std::string(start_tail);
}

bool tells_of_start(const Line& line) {
    return line.source == Source::init && line.text.starts_with(start_head) &&
           line.text.contains(std::string(start_tail) + ", ");
}

std::string directory_name(std::string_view unit) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string name;
    for (char c : unit) {
        if (plain(c) && !(c == '.' && name.empty())) {
            name += c;
        } else {
            name += "\\x";
            name += hex[static_cast<unsigned char>(c) >> 4];
            name += hex[static_cast<unsigned char>(c) & 15];
        }
    }
    if (name.empty())
        return "\\x";
    // File systems take at most 255 bytes: cut a longer name, and add a hash of the whole, to keep names distinct.
    if (name.size() > 250) {
        const std::uint64_t hash = fnv(unit);
        name.resize(230);
        name += '~';
        for (int shift = 60; shift >= 0; shift -= 4)
            name += hex[(hash >> shift) & 15];
    }
    return name;
}

std::string unit_of_directory(std::string_view directory) {
    if (directory == "\\x")
        return {};
    std::string unit;
    for (std::size_t i = 0; i < directory.size(); ++i) {
        int high = -1, low = -1;
        if (directory.substr(i).starts_with("\\x") && directory.size() - i >= 4) {
            high = hex_value(directory[i + 2]);
            low = hex_value(directory[i + 3]);
        }
        if (high >= 0 && low >= 0) {
            unit += static_cast<char>(high * 16 + low);
            i += 3;
        } else {
            unit += directory[i];
        }
    }
    return unit;
}

std::string rotated_name(WallTime at) {
    Calendar c = calendar_of(at);
    std::string name = "00000000T000000.000000Z";
    digits(name.data(), 4, c.year);
    digits(name.data() + 4, 2, c.month);
    digits(name.data() + 6, 2, c.day);
    digits(name.data() + 9, 2, c.hour);
    digits(name.data() + 11, 2, c.minute);
    digits(name.data() + 13, 2, c.second);
    digits(name.data() + 16, 6, c.micros);
    name += suffix;
    return name;
}

std::optional<WallTime> parse_rotated_name(std::string_view name) {
    std::array<int, 7> fields{};
    if (name.size() != 27 || !match(name, "00001122T334455.666666Z.log", fields))
        return std::nullopt;
    return time_of(fields);
}

} // namespace mi::wire::logs
