// Parses calendar expressions, and writes them in full.
#include "calendar/calendar.hpp"

#include "base/join.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace mi::calendar {

namespace {

constexpr std::int32_t second = 1'000'000; // microseconds
constexpr std::size_t longest = 1000;      // characters of an expression

constexpr std::array<std::string_view, 7> weekday_names = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                           "Friday", "Saturday", "Sunday"};

struct Shorthand {
    std::string_view word, meaning;
};
constexpr Shorthand shorthands[] = {
    {"minutely", "*-*-* *:*:00"},
    {"hourly", "*-*-* *:00:00"},
    {"daily", "*-*-* 00:00:00"},
    {"weekly", "Mon *-*-* 00:00:00"},
    {"monthly", "*-*-01 00:00:00"},
    {"quarterly", "*-01,04,07,10-01 00:00:00"},
    {"semiannually", "*-01,07-01 00:00:00"},
    {"semi-annually", "*-01,07-01 00:00:00"},
    {"biannually", "*-01,07-01 00:00:00"},
    {"bi-annually", "*-01,07-01 00:00:00"},
    {"yearly", "*-01-01 00:00:00"},
    {"annually", "*-01-01 00:00:00"},
};

// The name and the range of a field.
struct Bounds {
    std::string_view name;
    std::int32_t low, high;
};
constexpr Bounds of_years{"year", 1970, 2199}, of_months{"month", 1, 12}, of_days{"day", 1, 31},
    of_days_from_end{"day from the end of the month", 1, 28}, of_hours{"hour", 0, 23}, of_minutes{"minute", 0, 59},
    of_seconds{"second", 0, 60 * second - 1};

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }
bool is_letter(char letter) { return lower(letter) >= 'a' && lower(letter) <= 'z'; }
bool same_word(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}
std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// Parses one expression from the front. After the first fault it reads nothing more.
class Parser {
public:
    explicit Parser(std::string_view text) : rest_(text) {}

    std::expected<Calendar, CalendarFault> parse() {
        if (rest_.size() > longest)
            return std::unexpected(CalendarFault{"is longer than 1000 letters", ""});
        take_zone();
        if (rest_.empty())
            fail("is empty");
        const Shorthand* shorthand = std::find_if(std::begin(shorthands), std::end(shorthands),
                                                  [&](const Shorthand& one) { return same_word(one.word, rest_); });
        if (shorthand != std::end(shorthands))
            rest_ = shorthand->meaning;
        if (looks_like_cron())
            fail("this is how cron writes times", "write [WEEKDAYS] [[YEAR-]MONTH-DAY] [HOUR:MINUTE[:SECOND]]");
        if (!rest_.empty() && rest_.front() == '@') {
            take_timestamp();
        } else {
            take_weekdays();
            take_date();
            take_time();
        }
        if (fault_.message.empty() && !rest_.empty())
            fail(quoted(rest_) + " is too much");
        if (!fault_.message.empty())
            return std::unexpected(std::move(fault_));
        return std::move(result_);
    }

private:
    void fail(std::string message, std::string suggestion = {}) {
        if (fault_.message.empty())
            fault_ = {std::move(message), std::move(suggestion)};
        rest_ = {};
    }
    [[nodiscard]] bool failed() const { return !fault_.message.empty(); }
    bool take(char letter) {
        if (rest_.empty() || rest_.front() != letter)
            return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool take(std::string_view letters) {
        if (!rest_.starts_with(letters))
            return false;
        rest_.remove_prefix(letters.size());
        return true;
    }
    void take_blanks() {
        while (take(' ')) {
        }
    }
    [[nodiscard]] std::string_view word() const { return rest_.substr(0, rest_.find(' ')); }

    // A last word that begins with a letter is a zone: only weekdays begin with a letter, too, and they come first.
    void take_zone() {
        std::size_t blank = rest_.rfind(' ');
        if (blank == rest_.npos || blank + 1 == rest_.size() || !is_letter(rest_[blank + 1]))
            return;
        std::string_view name = rest_.substr(blank + 1);
        constexpr std::size_t longest_name = 64;
        bool fits = name.size() <= longest_name && name.find("//") == name.npos && !name.ends_with('/') &&
                    std::all_of(name.begin(), name.end(), [](char letter) {
                        return is_letter(letter) || is_digit(letter) || std::string_view("/_+-").contains(letter);
                    });
        for (std::string_view weekday : weekday_names)
            fits = fits && !same_word(name, weekday) && !same_word(name, weekday.substr(0, 3));
        if (!fits)
            return fail(quoted(name) + " is no time zone");
        rest_ = trim(rest_.substr(0, blank));
        result_.zone = same_word(name, "UTC") ? "UTC" : name;
    }

    // "0 4 * * 1": five words of characters that cron uses.
    [[nodiscard]] bool looks_like_cron() const {
        std::size_t words = 0;
        for (std::string_view one : split(rest_, ' ')) {
            if (one.empty() || one.find_first_not_of("0123456789*,/-") != one.npos)
                return false;
            ++words;
        }
        return words == 5;
    }

    // @SECONDS since 1970.
    void take_timestamp() {
        using namespace std::chrono;
        rest_.remove_prefix(1);
        auto since = to_number<std::int64_t>(rest_);
        constexpr std::int64_t end = 7'258'118'400; // the end of 2199
        if (!since || *since < 0 || *since >= end)
            return fail("@" + std::string(rest_) + " is no number of seconds since 1970, before 2200");
        if (!result_.zone.empty() && result_.zone != "UTC")
            return fail("@" + std::string(rest_) + " is a moment, whatever the zone");
        rest_ = {};
        sys_days whole{days{*since / 86'400}};
        year_month_day date{whole};
        auto time = static_cast<std::int32_t>(*since % 86'400);
        auto one = [](auto value) { return Calendar::Field{{static_cast<std::int32_t>(value)}}; };
        result_.years = one(int{date.year()});
        result_.months = one(unsigned{date.month()});
        result_.days = one(unsigned{date.day()});
        result_.hours = one(time / 3600);
        result_.minutes = one(time / 60 % 60);
        result_.seconds = one(time % 60 * second);
        result_.zone = "UTC";
    }

    // The number of a weekday at the front, or -1.
    int take_weekday() {
        std::size_t length = 0;
        while (length < rest_.size() && is_letter(rest_[length]))
            ++length;
        std::string_view name = rest_.substr(0, length);
        for (std::size_t i = 0; i < weekday_names.size(); ++i)
            if (same_word(name, weekday_names[i]) || same_word(name, weekday_names[i].substr(0, 3))) {
                rest_.remove_prefix(length);
                return static_cast<int>(i);
            }
        return -1;
    }

    void take_weekdays() {
        if (rest_.empty() || !is_letter(rest_.front()))
            return;
        do {
            int first = take_weekday();
            if (first < 0)
                return unknown_word();
            int last = first;
            if (take("..") || take('-')) {
                last = take_weekday();
                if (last < 0)
                    return word().empty() ? fail("the range of weekdays has no end") : unknown_word();
                if (last < first)
                    return fail("the range of weekdays runs backwards: a week begins on Monday",
                                "name them one by one");
            }
            for (int day = first; day <= last; ++day)
                result_.weekdays |= static_cast<std::uint8_t>(1 << day);
        } while (take(',') && !rest_.empty() && rest_.front() != ' ');
        if (!rest_.empty() && rest_.front() != ' ')
            return fail(quoted(word()) + " is not expected after a weekday");
        take_blanks();
        if (result_.weekdays == 0x7f)
            result_.weekdays = 0;
    }

    void unknown_word() {
        std::string_view unknown = word();
        unknown = unknown.substr(0, unknown.find_first_of(",."));
        std::vector<std::string_view> known(weekday_names.begin(), weekday_names.end());
        for (std::string_view weekday : weekday_names)
            known.push_back(weekday.substr(0, 3));
        for (const Shorthand& one : shorthands)
            known.push_back(one.word);
        std::string_view near = nearest(unknown, known);
        fail(quoted(unknown) + " is no weekday, nor a word such as daily",
             near.empty() ? "" : "did you mean " + quoted(near) + "?");
    }

    // [[YEARS-]MONTHS-]DAYS; a '~' before the days counts them from the end of the month. A time has a ':' instead.
    void take_date() {
        std::string_view date = word();
        if (failed() || date.empty() || date.find(':') != date.npos)
            return;
        std::vector<std::string_view> fields;
        std::size_t begin = 0;
        for (std::size_t at = 0; at <= date.size(); ++at) {
            if (at < date.size() && date[at] != '-' && date[at] != '~')
                continue;
            if (at < date.size() && date[at] == '~') {
                if (result_.from_end || date.find_first_of("-~", at + 1) != date.npos)
                    return fail("'~' stands before the day alone");
                result_.from_end = true;
            }
            fields.push_back(date.substr(begin, at - begin));
            begin = at + 1;
        }
        if (fields.size() < 2 || fields.size() > 3)
            return fail(quoted(date) + " is neither a date (MONTH-DAY, YEAR-MONTH-DAY) nor a time (HOUR:MINUTE)");
        result_.days = field(fields.back(), result_.from_end ? of_days_from_end : of_days, result_.from_end);
        result_.months = field(fields[fields.size() - 2], of_months);
        if (fields.size() == 3)
            result_.years = field(fields.front(), of_years);
        result_.from_end = result_.from_end && !result_.days.empty();
        if (!failed())
            rest_.remove_prefix(date.size());
        take_blanks();
    }

    void take_time() {
        const Calendar::Field zero = {{0}};
        if (failed())
            return;
        if (rest_.empty()) {
            result_.hours = result_.minutes = result_.seconds = zero;
            return;
        }
        std::string_view time = word();
        std::vector<std::string_view> fields = split(time, ':');
        if (fields.size() < 2 || fields.size() > 3)
            return fail(quoted(time) + " is no time (HOUR:MINUTE or HOUR:MINUTE:SECOND)");
        result_.hours = field(fields[0], of_hours);
        result_.minutes = field(fields[1], of_minutes);
        result_.seconds = zero;
        if (fields.size() == 3)
            result_.seconds = fields[2] == "*" ? Calendar::Field{{0, -1, second}} : field(fields[2], of_seconds);
        if (!failed())
            rest_.remove_prefix(time.size());
    }

    Calendar::Field field(std::string_view text, const Bounds& bounds, bool from_end = false) {
        Calendar::Field parts;
        if (text == "*" || failed())
            return parts;
        for (std::string_view item : split(text, ','))
            parts.push_back(part(item, bounds, from_end));
        std::sort(parts.begin(), parts.end());
        parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
        return parts;
    }

    // START, START/STEP, START..STOP or START..STOP/STEP.
    Calendar::Part part(std::string_view item, const Bounds& bounds, bool from_end) {
        const bool of_second = &bounds == &of_seconds;
        Calendar::Part part;
        std::string_view range = item.substr(0, item.find('/')), step;
        if (range.size() < item.size())
            step = item.substr(range.size() + 1);
        if (range == "*") {
            if (range.size() == item.size())
                fail("'*' stands alone, not in a list");
            else
                fail(quoted(item) + " is no " + std::string(bounds.name),
                     "write " + quoted((bounds.low == 0 ? "0/" : "1/") + std::string(step)));
            return part;
        }
        std::size_t dots = range.find("..");
        part.start = value(range.substr(0, dots), bounds);
        if (dots != range.npos) {
            part.stop = value(range.substr(dots + 2), bounds);
            part.step = of_second ? second : 1;
            if (part.stop < part.start)
                fail("the range " + std::string(range) + " runs backwards");
        }
        if (range.size() < item.size())
            part.step = number(step, of_second).value_or(0);
        if (failed())
            return part;
        if (range.size() < item.size() && part.step <= 0) {
            fail(quoted(item) + " has no step after the '/'");
        } else if (part.stop >= 0) {
            part.stop -= (part.stop - part.start) % part.step;
            if (part.stop == part.start)
                part = {part.start};
        } else if (part.step > 0 && (from_end ? part.start - bounds.low : bounds.high - part.start) < part.step) {
            fail("the step of " + std::string(item) + " leads out of the " + std::string(bounds.name) + "s at once");
        }
        return part;
    }

    std::int32_t value(std::string_view text, const Bounds& bounds) {
        const bool of_second = &bounds == &of_seconds;
        std::optional<std::int32_t> value = number(text, of_second);
        if (value && &bounds == &of_years && text.size() <= 2)
            *value += *value < 70 ? 2000 : 1900;
        if (value && *value >= bounds.low && *value <= bounds.high)
            return *value;
        fail(quoted(text) + " is no " + std::string(bounds.name) + " (" + std::to_string(bounds.low) + " to " +
             (of_second ? "59.999999" : std::to_string(bounds.high)) + ")");
        return bounds.low;
    }

    // A number; for seconds with a fraction, rounded to microseconds.
    static std::optional<std::int32_t> number(std::string_view text, bool of_second) {
        std::size_t dot = of_second ? text.find('.') : text.npos;
        std::string_view whole = text.substr(0, dot);
        if (whole.empty() || whole.size() > 4 || !std::all_of(whole.begin(), whole.end(), is_digit))
            return std::nullopt;
        auto value = to_number<std::int32_t>(whole).value_or(0);
        if (!of_second)
            return value;
        if (value > 1000)
            return std::nullopt;
        value *= second;
        if (dot == text.npos)
            return value;
        std::string_view fraction = text.substr(dot + 1);
        if (fraction.empty() || !std::all_of(fraction.begin(), fraction.end(), is_digit))
            return std::nullopt;
        std::int32_t scale = second / 10;
        for (std::size_t i = 0; i < std::min<std::size_t>(fraction.size(), 6); ++i, scale /= 10)
            value += (fraction[i] - '0') * scale;
        return value + (fraction.size() > 6 && fraction[6] >= '5' ? 1 : 0);
    }

    std::string_view rest_;
    Calendar result_;
    CalendarFault fault_;
};

std::string padded(std::int32_t number, std::size_t width) {
    std::string digits = std::to_string(number);
    return std::string(width > digits.size() ? width - digits.size() : 0, '0') + digits;
}

// A value of a field as text; `unit`: the stored number for one unit of the field.
std::string text(std::int32_t value, std::size_t width, std::int32_t unit) {
    return padded(value / unit, width) + (value % unit != 0 ? "." + padded(value % unit, 6) : "");
}

std::string text(const Calendar::Field& field, std::size_t width, std::int32_t unit = 1) {
    if (field.empty() || (unit == second && field == Calendar::Field{{0, -1, second}}))
        return "*";
    std::string words;
    for (const Calendar::Part& part : field) {
        join_to(words, text(part.start, width, unit), ",");
        if (part.stop >= 0)
            words += ".." + text(part.stop, width, unit);
        if (part.step > 0 && !(part.stop >= 0 && part.step == unit))
            words += "/" + text(part.step, 1, unit);
    }
    return words;
}

std::string weekdays_text(std::uint8_t weekdays) {
    std::string words;
    for (std::size_t first = 0; first < 7; ++first) {
        if ((weekdays >> first & 1) == 0)
            continue;
        std::size_t last = first;
        while (last + 1 < 7 && (weekdays >> (last + 1) & 1) != 0)
            ++last;
        join_to(words, weekday_names[first].substr(0, 3), ",");
        if (last > first)
            words += (last > first + 1 ? ".." : ",") + std::string(weekday_names[last].substr(0, 3));
        first = last;
    }
    return words.empty() ? words : words + " ";
}

} // namespace

std::expected<Calendar, CalendarFault> parse_calendar(std::string_view text) { return Parser(trim(text)).parse(); }

std::string text(const Calendar& calendar) {
    return weekdays_text(calendar.weekdays) + text(calendar.years, 4) + "-" + text(calendar.months, 2) +
           (calendar.from_end ? "~" : "-") + text(calendar.days, 2) + " " + text(calendar.hours, 2) + ":" +
           text(calendar.minutes, 2) + ":" + text(calendar.seconds, 2, second) +
           (calendar.zone.empty() ? "" : " " + calendar.zone);
}

} // namespace mi::calendar
