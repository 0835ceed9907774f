#include "base/signals.hpp"

#include "base/text.hpp"

#include <csignal>
#include <cstring>

namespace mi {

namespace {

// The C library's first real-time signal: it uses 32 and 33 itself.
constexpr int first_real_time = 34;

struct Alias {
    std::string_view name;
    int number;
};
// Second names: sigabbrev_np(3) knows only the first one of each signal.
constexpr Alias aliases[] = {{"IOT", SIGABRT}, {"CLD", SIGCHLD}, {"IO", SIGIO}, {"POLL", SIGIO}, {"UNUSED", SIGSYS}};

char upper(char letter) { return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter; }

bool same_word(std::string_view a, std::string_view b) {
    if (a.size() != b.size())
        return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (upper(a[i]) != upper(b[i]))
            return false;
    return true;
}

bool starts_with_word(std::string_view text, std::string_view word) {
    return text.size() >= word.size() && same_word(text.substr(0, word.size()), word);
}

// Parses the text after RTMIN or RTMAX: empty, or `sign` and a number without a sign of its own.
std::optional<int> real_time_offset(std::string_view rest, char sign) {
    if (rest.empty())
        return 0;
    if (rest.front() != sign)
        return std::nullopt;
    std::optional<unsigned> offset = to_number<unsigned>(rest.substr(1));
    if (!offset || *offset > static_cast<unsigned>(last_signal - first_real_time))
        return std::nullopt;
    return static_cast<int>(*offset);
}

} // namespace

std::optional<int> signal_number(std::string_view text) {
    if (std::optional<unsigned> number = to_number<unsigned>(text)) {
        if (*number < 1 || *number > static_cast<unsigned>(last_signal))
            return std::nullopt;
        return static_cast<int>(*number);
    }
    if (starts_with_word(text, "SIG"))
        text.remove_prefix(3);
    if (starts_with_word(text, "RTMIN")) {
        std::optional<int> offset = real_time_offset(text.substr(5), '+');
        return offset ? std::optional(first_real_time + *offset) : std::nullopt;
    }
    if (starts_with_word(text, "RTMAX")) {
        std::optional<int> offset = real_time_offset(text.substr(5), '-');
        return offset ? std::optional(last_signal - *offset) : std::nullopt;
    }
    for (int number = 1; number < 32; ++number)
        if (const char* name = ::sigabbrev_np(number); name != nullptr && same_word(text, name))
            return number;
    for (const Alias& alias : aliases)
        if (same_word(text, alias.name))
            return alias.number;
    return std::nullopt;
}

std::string signal_name(int number) {
    if (number >= 1 && number < 32)
        if (const char* name = ::sigabbrev_np(number))
            return std::string("SIG") + name;
    if (number >= first_real_time && number <= last_signal) {
        std::string name = "SIGRTMIN";
        return number == first_real_time ? name : name + "+" + std::to_string(number - first_real_time);
    }
    return std::to_string(number);
}

} // namespace mi
