#include "calendar/zone.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

namespace mi::calendar {

namespace {

constexpr std::int64_t day_seconds = 86'400;
constexpr std::int32_t furthest = 26 * 3600; // RFC 8536 allows offsets up to about this
constexpr std::size_t longest_name = 16;
constexpr std::int64_t for_ever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t always = std::numeric_limits<std::int64_t>::min();

std::int64_t days_until(int year, unsigned month, unsigned day) {
    using namespace std::chrono;
    return sys_days{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}}
        .time_since_epoch()
        .count();
}

int year_of(std::int64_t second) {
    using namespace std::chrono;
    // Far beyond every time that is asked for, and within the calendar's own range.
    constexpr std::int64_t limit = 365 * day_seconds * 8'000;
    std::int64_t day = std::clamp(second, -limit, limit) / day_seconds;
    return static_cast<int>(year_month_day{sys_days{days{day}}}.year());
}

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_letter(char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'); }

} // namespace

// Parses a TZ rule from the front. An error makes `good` false for ever.
struct Zone::RuleReader {
    std::string_view rest;
    bool good = true;

    bool take(char letter) {
        if (rest.empty() || rest.front() != letter)
            return false;
        rest.remove_prefix(1);
        return true;
    }
    std::int32_t number(std::int32_t low, std::int32_t high) {
        std::size_t digits = 0;
        while (digits < rest.size() && is_digit(rest[digits]))
            ++digits;
        auto value = to_number<std::int32_t>(rest.substr(0, digits));
        rest.remove_prefix(digits);
        good = good && value && *value >= low && *value <= high;
        return good ? *value : 0;
    }
    // At least three letters, or at least three characters of any kind in <…>.
    std::string name() {
        std::size_t length = 0;
        const bool bracketed = take('<');
        while (length < rest.size() && (bracketed ? rest[length] != '>' : is_letter(rest[length])))
            ++length;
        good = good && length >= 3 && (!bracketed || length < rest.size());
        std::string name(rest.substr(0, length));
        rest.remove_prefix(std::min(length + (bracketed ? 1 : 0), rest.size()));
        return name;
    }
    // [+-]HH[:MM[:SS]] in seconds.
    std::int32_t time(std::int32_t most_hours) {
        std::int32_t sign = take('-') ? -1 : 1;
        if (sign == 1)
            take('+');
        std::int32_t seconds = number(0, most_hours) * 3600;
        if (take(':'))
            seconds += number(0, 59) * 60;
        if (take(':'))
            seconds += number(0, 59);
        return sign * seconds;
    }
    Day day() {
        Day day;
        if (take('M')) {
            day.month = static_cast<std::uint8_t>(number(1, 12));
            good = take('.') && good;
            day.week = static_cast<std::uint8_t>(number(1, 5));
            good = take('.') && good;
            day.weekday = static_cast<std::uint8_t>(number(0, 6));
        } else if (take('J')) {
            day.kind = Day::Kind::of_year_without_leap_day;
            day.number = number(1, 365);
        } else {
            day.kind = Day::Kind::of_year;
            day.number = number(0, 365);
        }
        if (take('/'))
            day.time = time(167);
        return day;
    }
};

std::optional<Zone::Rule> Zone::parse_rule(std::string_view text) {
    RuleReader reader{text};
    Rule rule;
    rule.standard_name = reader.name();
    rule.standard = -reader.time(24); // the rule gives the time to add to local time for UTC
    if (reader.good && !reader.rest.empty()) {
        rule.has_summer = true;
        rule.summer_name = reader.name();
        rule.summer = rule.standard + 3600;
        if (!reader.rest.empty() && reader.rest.front() != ',')
            rule.summer = -reader.time(24);
        if (reader.rest.empty())
            reader.rest = ",M3.2.0,M11.1.0"; // the default that C libraries use
        reader.good = reader.take(',') && reader.good;
        rule.begin = reader.day();
        reader.good = reader.take(',') && reader.good;
        rule.end = reader.day();
    }
    return reader.good && reader.rest.empty() ? std::optional(rule) : std::nullopt;
}

std::optional<Zone> Zone::from_rule(std::string_view text) {
    auto rule = parse_rule(text);
    if (!rule)
        return std::nullopt;
    Zone zone;
    zone.rule_ = rule;
    return zone;
}

std::int64_t Zone::moment(const Day& day, int year, std::int32_t offset_before) {
    using namespace std::chrono;
    std::int64_t days = 0;
    switch (day.kind) {
    case Day::Kind::of_month: {
        std::int64_t first = days_until(year, day.month, 1);
        unsigned weekday_of_first = weekday{sys_days{std::chrono::days{first}}}.c_encoding();
        days = first + (day.weekday + 7 - weekday_of_first) % 7 + 7 * (day.week - 1);
        std::int64_t next_month =
            day.month == 12 ? days_until(year + 1, 1, 1) : days_until(year, unsigned{day.month} + 1, 1);
        if (days >= next_month)
            days -= 7;
        break;
    }
    case Day::Kind::of_year: days = days_until(year, 1, 1) + day.number; break;
    case Day::Kind::of_year_without_leap_day:
        days = days_until(year, 1, 1) + day.number - 1;
        if (day.number > 31 + 28 && std::chrono::year{year}.is_leap())
            ++days;
        break;
    }
    return days * day_seconds + day.time - offset_before;
}

Zone::Period Zone::by_rule(std::int64_t second) const {
    const Rule& rule = *rule_;
    if (!rule.has_summer)
        return {always, for_ever, rule.standard, rule.standard_name};
    // The changes of the years around `second`, in order: a change may lie up to a week inside another year.
    std::array<Change, 6> changes{};
    std::size_t count = 0;
    const int around = year_of(second);
    for (int year = around - 1; year <= around + 1; ++year) {
        changes[count++] = {moment(rule.begin, year, rule.standard), rule.summer, 0};
        changes[count++] = {moment(rule.end, year, rule.summer), rule.standard, 0};
    }
    std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) { return a.at < b.at; });
    Period period{always, for_ever, changes.front().offset == rule.summer ? rule.standard : rule.summer, {}};
    for (std::size_t i = 0; i < count; ++i) {
        const Change& change = changes[i];
        // Summer time that ends when the next one begins holds all year.
        if (change.offset == period.offset || (i + 1 < count && changes[i + 1].at == change.at))
            continue;
        if (change.at > second) {
            period.end = change.at;
            break;
        }
        period.begin = change.at;
        period.offset = change.offset;
    }
    period.name = period.offset == rule.summer ? rule.summer_name : rule.standard_name;
    return period;
}

Zone::Period Zone::period(std::int64_t second) const {
    auto next = std::upper_bound(changes_.begin(), changes_.end(), second,
                                 [](std::int64_t moment, const Change& change) { return moment < change.at; });
    if (next == changes_.end() && rule_) {
        Period period = by_rule(second);
        if (!changes_.empty())
            period.begin = std::max(period.begin, changes_.back().at);
        return period;
    }
    const bool first = next == changes_.begin();
    const Change& last = first ? first_ : *std::prev(next);
    return {first ? always : last.at, next == changes_.end() ? for_ever : next->at, last.offset, names_[last.name]};
}

std::int64_t Zone::moment_of(std::int64_t wall) const {
    Period around = period(wall - furthest);
    while (wall - around.offset >= around.end)
        around = period(around.end);
    return std::max(wall - around.offset, around.begin);
}

namespace {

// A signed number of `size` bytes, most significant first.
std::int64_t big_endian(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint64_t value = (static_cast<unsigned char>(bytes[at]) & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = 0; i < size; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return static_cast<std::int64_t>(value);
}

struct Header {
    static constexpr std::size_t size = 44;
    char version;
    std::size_t utc_flags, standard_flags, leaps, times, types, letters;

    // The number of bytes after the header, with times of `width` bytes.
    [[nodiscard]] std::size_t body(std::size_t width) const {
        return times * (width + 1) + types * 6 + letters + leaps * (width + 4) + standard_flags + utc_flags;
    }
};

std::optional<Header> read_header(std::string_view bytes) {
    if (bytes.size() < Header::size || !bytes.starts_with("TZif"))
        return std::nullopt;
    auto count = [&](std::size_t index) {
        return static_cast<std::size_t>(static_cast<std::uint32_t>(big_endian(bytes, 20 + 4 * index, 4)));
    };
    return Header{bytes[4], count(0), count(1), count(2), count(3), count(4), count(5)};
}

} // namespace

std::expected<Zone, std::string_view> Zone::from_file(std::string_view bytes) {
    constexpr std::string_view cut = "ends in the middle", odd = "is damaged";
    auto header = read_header(bytes);
    if (!header)
        return std::unexpected("is no zone file");
    std::size_t width = 4;
    bytes.remove_prefix(Header::size);
    if (bytes.size() < header->body(width))
        return std::unexpected(cut);
    if (header->version >= '2') { // the same data again, with 64-bit times
        bytes.remove_prefix(header->body(width));
        header = read_header(bytes);
        if (!header)
            return std::unexpected(cut);
        width = 8;
        bytes.remove_prefix(Header::size);
        if (bytes.size() < header->body(width))
            return std::unexpected(cut);
    }
    if (header->types == 0)
        return std::unexpected(odd);
    const std::size_t indices = header->times * width, types = indices + header->times;
    auto offset = [&](std::size_t type) { return big_endian(bytes, types + 6 * type, 4); };
    for (std::size_t type = 0; type < header->types; ++type)
        if (offset(type) < -furthest || offset(type) > furthest)
            return std::unexpected(odd);
    Zone zone;
    // The name of each type: a NUL-terminated text inside `letters`.
    const std::string_view letters = bytes.substr(types + 6 * header->types, header->letters);
    zone.names_.clear();
    for (std::size_t type = 0; type < header->types && type <= 255; ++type) {
        const std::string_view name = letters.substr(
            std::min(letters.size(), std::size_t{static_cast<unsigned char>(bytes[types + 6 * type + 5])}));
        zone.names_.emplace_back(name.substr(0, std::min(name.find('\0'), longest_name)));
    }
    zone.first_.offset = static_cast<std::int32_t>(offset(0));
    zone.changes_.reserve(header->times);
    for (std::size_t i = 0; i < header->times; ++i) {
        std::int64_t at = big_endian(bytes, i * width, width);
        std::size_t type = static_cast<unsigned char>(bytes[indices + i]);
        if (type >= header->types || (i > 0 && at <= zone.changes_.back().at))
            return std::unexpected(odd);
        zone.changes_.push_back({at, static_cast<std::int32_t>(offset(type)), static_cast<std::uint8_t>(type)});
    }
    if (width == 8) {
        std::string_view foot = bytes.substr(header->body(width));
        std::size_t end = foot.find('\n', 1);
        if (!foot.starts_with('\n') || end == foot.npos)
            return std::unexpected(cut);
        if (foot = foot.substr(1, end - 1); !foot.empty()) {
            zone.rule_ = parse_rule(foot);
            if (!zone.rule_)
                return std::unexpected(odd);
        }
    }
    return zone;
}

} // namespace mi::calendar
