#include "convert/values.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

constexpr std::string_view blanks = " \t\r\n";

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

struct TimeUnit {
    std::string_view names; // separated by blanks
    std::int64_t nanoseconds;
};
constexpr std::int64_t second = 1'000'000'000;
constexpr TimeUnit time_units[] = {
    {"seconds second sec s", second},
    {"minutes minute min m", 60 * second},
    {"hours hour hr h", 3600 * second},
    {"days day d", 86'400 * second},
    {"weeks week w", 7 * 86'400 * second},
    {"months month M", 2'629'800 * second},
    {"years year y", 31'557'600 * second},
    {"msec ms", second / 1000},
    {"usec us \xc2\xb5s \xce\xbcs", second / 1'000'000},
    {"nsec ns", 1},
};
constexpr std::int64_t longest = second * 86'400 * 36'600;

std::int64_t unit_of(std::string_view name) {
    for (const TimeUnit& unit : time_units)
        if (is_one_of(name, unit.names))
            return unit.nanoseconds;
    return 0;
}

// Takes NUMBER[.FRACTION] off the front of `text`: the whole part, and the fraction in millionths.
struct Decimal {
    std::uint64_t whole = 0, millionths = 0;
};
std::optional<Decimal> take_decimal(std::string_view& text) {
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits]))
        ++digits;
    std::optional<std::uint64_t> number = to_number<std::uint64_t>(text.substr(0, digits));
    if (digits == 0 && text.size() > 1 && text[0] == '.' && is_digit(text[1]))
        number = 0; // `.7`
    if (!number)
        return std::nullopt;
    Decimal decimal{*number, 0};
    text.remove_prefix(digits);
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        std::uint64_t scale = 1'000'000;
        while (!text.empty() && is_digit(text.front())) {
            scale /= 10;
            decimal.millionths += scale * static_cast<std::uint64_t>(text.front() - '0');
            text.remove_prefix(1);
        }
    }
    return decimal;
}

// So many millionths of two to the power of `shift`, rounded down; of a power above 40 nearly.
std::uint64_t part_of(std::uint64_t millionths, unsigned shift) {
    constexpr std::uint64_t million = 1'000'000;
    return shift <= 40 ? (millionths << shift) / million : millionths * ((std::uint64_t{1} << shift) / million);
}

void skip_blanks(std::string_view& text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
}

} // namespace

bool is_account(std::string_view name) {
    return !name.empty() && name.size() < 256 && name.front() != '-' &&
           std::ranges::none_of(
               name,
               [](char letter) {
                   return letter == ':' || letter == '/' || letter == ',' ||
                          static_cast<unsigned char>(letter) <= ' ' || letter == 0x7f;
               });
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string small(std::string_view text) {
    std::string letters(text);
    for (char& letter : letters)
        if (letter >= 'A' && letter <= 'Z')
            letter = static_cast<char>(letter - 'A' + 'a');
    return letters;
}

bool is_one_of(std::string_view word, std::string_view words) {
    auto separates = [&](std::size_t at) { return at >= words.size() || blanks.find(words[at]) != blanks.npos; };
    for (std::size_t at = words.find(word); at != words.npos && !word.empty(); at = words.find(word, at + 1))
        if (separates(at - 1) && separates(at + word.size())) // at - 1 wraps to a large number at the beginning
            return true;
    return false;
}

void add_once(std::vector<std::string>& list, std::string word) {
    if (std::ranges::find(list, word) == list.end())
        list.push_back(std::move(word));
}

std::optional<bool> truth(std::string_view text) {
    const std::string word = small(text);
    if (is_one_of(word, "1 yes y true t on"))
        return true;
    if (is_one_of(word, "0 no n false f off"))
        return false;
    return std::nullopt;
}

std::optional<Time> time_span(std::string_view text, Span unit) {
    text = trim(text);
    if (text == "infinity")
        return Time{true, {}};
    if (text.empty())
        return std::nullopt;
    std::int64_t sum = 0;
    while (!text.empty()) {
        std::optional<Decimal> number = take_decimal(text);
        if (!number)
            return std::nullopt;
        skip_blanks(text);
        std::size_t letters = 0;
        while (letters < text.size() && !is_digit(text[letters]) && text[letters] != ' ' && text[letters] != '\t' &&
               text[letters] != '.')
            ++letters;
        std::int64_t each = letters == 0 ? unit.count() : unit_of(text.substr(0, letters));
        if (each == 0)
            return std::nullopt;
        text.remove_prefix(letters);
        skip_blanks(text);
        if (sum > longest || number->whole > static_cast<std::uint64_t>((longest - sum) / each))
            return Time{true, {}}; // too long for Span
        sum += static_cast<std::int64_t>(number->whole) * each;
        sum += each >= 1'000'000 ? each / 1'000'000 * static_cast<std::int64_t>(number->millionths)
                                 : each * static_cast<std::int64_t>(number->millionths) / 1'000'000;
    }
    return Time{false, Span{sum}};
}

std::optional<Size> byte_size(std::string_view text) {
    text = trim(text);
    if (text == "infinity")
        return Size{true, false, 0};
    if (text.empty())
        return std::nullopt;
    // A sum, each part of which has a smaller unit than the one before: `3G 4B`.
    std::uint64_t sum = 0;
    for (unsigned last = 64; !text.empty();) {
        std::optional<Decimal> number = take_decimal(text);
        if (!number)
            return std::nullopt;
        skip_blanks(text);
        if (text == "%" && last == 64)
            return Size{false, true, number->whole};
        unsigned shift = 0;
        const std::size_t power = text.empty() ? text.npos : std::string_view("KMGTPE").find(text.front());
        if (power != text.npos) {
            shift = 10 * (static_cast<unsigned>(power) + 1);
            text.remove_prefix(text.substr(1).starts_with("iB") ? 3 : text.substr(1).starts_with("B") ? 2 : 1);
        } else if (text.starts_with('B')) {
            text.remove_prefix(1);
        }
        const bool has_end = text.empty() || text.front() == ' ' || text.front() == '\t' || is_digit(text.front());
        if (shift >= last || !has_end)
            return std::nullopt;
        last = shift;
        skip_blanks(text);
        if (number->whole >= (std::uint64_t{1} << (63 - shift)))
            return Size{true, false, 0};
        sum += (number->whole << shift) + part_of(number->millionths, shift);
        if (sum >= std::uint64_t{1} << 63)
            return Size{true, false, 0};
    }
    return Size{false, false, sum};
}

std::optional<int> exit_status(std::string_view name) {
    // Each name is followed by its number.
    constexpr std::string_view statuses =
        "SUCCESS 0 FAILURE 1 INVALIDARGUMENT 2 NOTIMPLEMENTED 3 NOPERMISSION 4 NOTINSTALLED 5 NOTCONFIGURED 6 "
        "NOTRUNNING 7 "
        "USAGE 64 DATAERR 65 NOINPUT 66 NOUSER 67 NOHOST 68 UNAVAILABLE 69 SOFTWARE 70 OSERR 71 OSFILE 72 CANTCREAT 73 "
        "IOERR 74 TEMPFAIL 75 PROTOCOL 76 NOPERM 77 CONFIG 78 EXCEPTION 255";
    const std::vector<std::string_view> words = blank_separated(statuses);
    const auto found = std::ranges::find(words, name);
    return found == words.end() || to_number<int>(name) ? std::nullopt : to_number<int>(found[1]);
}

std::vector<std::string_view> blank_separated(std::string_view text) {
    std::vector<std::string_view> words;
    for (;;) {
        std::size_t begin = text.find_first_not_of(blanks);
        if (begin == std::string_view::npos)
            return words;
        text.remove_prefix(begin);
        std::size_t end = std::min(text.find_first_of(blanks), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

std::optional<std::int64_t> whole(std::string_view text) {
    if (text.starts_with('+'))
        text.remove_prefix(1);
    return to_number<std::int64_t>(text);
}

} // namespace mi::convert
