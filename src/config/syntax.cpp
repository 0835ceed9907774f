#include "config/syntax.hpp"

#include "base/text.hpp"
#include "config/command_words.hpp"

#include <algorithm>
#include <array>

namespace mi::config {

namespace {

struct Unit {
    std::string_view name;
    std::int64_t nanoseconds;
};
// Longest first, so that "min" is not read as "m" and "ms" not as "m".
constexpr std::array<Unit, 8> time_units = {{
    {"w", 7 * 86'400'000'000'000},
    {"d", 86'400'000'000'000},
    {"h", 3'600'000'000'000},
    {"min", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
    {"ns", 1},
}};
constexpr std::int64_t century = 100 * 366 * time_units[1].nanoseconds;

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_letter(char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z'); }

// Removes from the front of `text` the longest run of characters for which `belongs` is true, and returns it.
template <typename Belongs>
std::string_view take(std::string_view& text, Belongs belongs) {
    auto end = std::find_if_not(text.begin(), text.end(), belongs);
    std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(taken.size());
    return taken;
}

// Removes one `NUMBER[.FRACTION]UNIT` from the front of `text`; in nanoseconds.
std::optional<std::int64_t> take_span(std::string_view& text) {
    std::optional<std::int64_t> whole = to_number<std::int64_t>(take(text, is_digit));
    std::string_view fraction;
    if (!text.empty() && text.front() == '.') {
        text.remove_prefix(1);
        fraction = take(text, is_digit);
        if (fraction.empty() || fraction.size() > 9)
            return std::nullopt;
    }
    std::string_view name = take(text, is_letter);
    auto unit = std::find_if(time_units.begin(), time_units.end(), [&](const Unit& each) { return each.name == name; });
    if (!whole || unit == time_units.end() || *whole > century / unit->nanoseconds)
        return std::nullopt;
    std::int64_t sum = *whole * unit->nanoseconds;
    std::int64_t part = unit->nanoseconds;
    for (char digit : fraction) {
        part /= 10;
        sum += part * (digit - '0');
    }
    return sum;
}

} // namespace

std::optional<Span> parse_duration(std::string_view text) {
    if (text == "0")
        return Span{0};
    std::int64_t sum = 0;
    do {
        std::optional<std::int64_t> part = take_span(text);
        if (!part || *part > century - sum)
            return std::nullopt;
        sum += *part;
        if (text.size() > 1 && text.front() == ' ')
            text.remove_prefix(1);
    } while (!text.empty());
    return Span{sum};
}

std::string duration_meant(std::string_view text) {
    struct Name {
        std::string_view theirs, ours;
    };
    constexpr Name names[] = {{"", "s"},          {"sec", "s"},          {"secs", "s"},
                              {"second", "s"},    {"seconds", "s"},      {"m", "min"},
                              {"mins", "min"},    {"mn", "min"},         {"minute", "min"},
                              {"minutes", "min"}, {"hr", "h"},           {"hrs", "h"},
                              {"hour", "h"},      {"hours", "h"},        {"day", "d"},
                              {"days", "d"},      {"week", "w"},         {"weeks", "w"},
                              {"msec", "ms"},     {"millisecond", "ms"}, {"milliseconds", "ms"},
                              {"usec", "us"},     {"microseconds", "us"}};
    std::string meant;
    const auto is_blank = [](char c) { return c == ' ' || c == ',' || c == '\t'; };
    while (!text.empty()) {
        (void)take(text, is_blank);
        const std::string_view number = take(text, [](char c) { return is_digit(c) || c == '.'; });
        (void)take(text, is_blank);
        std::string unit;
        for (char letter : take(text, is_letter))
            unit += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
        for (const Name& name : names)
            if (name.theirs == unit) {
                unit = name.ours;
                break;
            }
        if (number.empty() || unit.empty())
            return {};
        meant.append(number).append(unit);
        (void)take(text, is_blank);
    }
    return !meant.empty() && parse_duration(meant) ? meant : std::string();
}

std::string duration_text(Span span) {
    std::int64_t rest = span.count();
    if (rest == 0)
        return "0";
    std::string words;
    for (const Unit& unit : time_units) {
        std::int64_t count = rest / unit.nanoseconds;
        rest %= unit.nanoseconds;
        if (count != 0)
            words += std::to_string(count) + std::string(unit.name);
    }
    return words;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::optional<std::uint64_t> number = to_number<std::uint64_t>(take(text, is_digit));
    if (!number)
        return std::nullopt;
    if (text.empty())
        return number;
    std::size_t power = std::string_view("KMGT").find(text.front());
    if (power == std::string_view::npos || (text.size() > 1 && text.substr(1) != "iB"))
        return std::nullopt;
    unsigned shift = 10 * (static_cast<unsigned>(power) + 1);
    if (*number > (~std::uint64_t{0} >> shift))
        return std::nullopt;
    return *number << shift;
}

std::optional<std::uint32_t> parse_mode(std::string_view text) {
    std::optional<std::uint32_t> mode = to_number<std::uint32_t>(text, 8);
    return mode && *mode <= 07777 && text.size() <= 5 ? mode : std::nullopt;
}

bool is_straight_path(std::string_view path) {
    const std::vector<std::string_view> parts = split(path, '/');
    return path.starts_with('/') && std::ranges::find(parts, "..") == parts.end();
}

std::optional<std::uint32_t> parse_percent(std::string_view text) {
    if (!text.ends_with('%'))
        return std::nullopt;
    return to_number<std::uint32_t>(text.substr(0, text.size() - 1));
}

bool is_variable_name(std::string_view name) {
    constexpr std::string_view odd = "=\"'\\$`\x7f";
    return !name.empty() && std::none_of(name.begin(), name.end(), [&](char c) {
        return static_cast<unsigned char>(c) <= ' ' || odd.find(c) != std::string_view::npos;
    });
}

bool is_shell_variable_name(std::string_view name) {
    return !name.empty() && (is_letter(name.front()) || name.front() == '_') &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

std::expected<core::Command, std::string_view> split_command(std::string_view text) {
    core::Command words;
    const std::string_view fault =
        split_words(text, [&] { words.emplace_back(); }, [&](char letter, bool) { words.back() += letter; });
    if (!fault.empty())
        return std::unexpected(fault);
    return words;
}

} // namespace mi::config
