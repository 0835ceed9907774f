#include "logd/syslog.hpp"

#include <algorithm>

namespace mi::logd {
namespace {

using wire::logs::Facility;
using wire::logs::Priority;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether `text` begins as the pattern says: `0` is a digit, `_` a digit or a blank, anything else itself.
bool matches(std::string_view text, std::string_view pattern) {
    if (text.size() < pattern.size())
        return false;
    for (std::size_t i = 0; i < pattern.size(); ++i)
        if (pattern[i] == '0'   ? !is_digit(text[i])
            : pattern[i] == '_' ? !is_digit(text[i]) && text[i] != ' '
                                : text[i] != pattern[i])
            return false;
    return true;
}

bool is_month(std::string_view text) {
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const std::size_t at = months.find(text.substr(0, 3));
    return text.size() >= 3 && at != months.npos && at % 3 == 0;
}

// The word up to the next blank, taken off with it; nothing where there is none, or it is too long to be one.
bool take_word(std::string_view& text, std::string_view& word) {
    const std::size_t end = text.substr(0, 256).find(' ');
    if (end == text.npos || end == 0)
        return false;
    word = text.substr(0, end);
    text.remove_prefix(end + 1);
    return true;
}

// A time stamp at the beginning, as RFC 3164 or RFC 3339 write it, with the blank after it.
void skip_stamp(std::string_view& text) {
    constexpr std::string_view bsd = "_0 00:00:00 ";
    if (is_month(text) && text.size() > 3 && text[3] == ' ' && matches(text.substr(4), bsd)) {
        text.remove_prefix(4 + bsd.size());
    } else if (std::string_view word, rest = text; matches(text, "0000-00-00T00:00:00") && take_word(rest, word)) {
        text = rest;
    }
}

// Where the structured data that `text` begins with ends; 0: it is none.
std::size_t end_of_data(std::string_view text) {
    if (text.starts_with('-'))
        return 1;
    std::size_t at = 0;
    while (at < text.size() && text[at] == '[') {
        bool quoted = false;
        for (++at; at < text.size() && (quoted || text[at] != ']'); ++at)
            if (text[at] == '"')
                quoted = !quoted;
            else if (quoted && text[at] == '\\')
                ++at;
        if (at >= text.size())
            return 0;
        ++at;
    }
    return at;
}

// The parts of RFC 5424 after the PRI. False: it is something else.
bool parse_5424(std::string_view text, SyslogMessage& message) {
    std::string_view stamp, host, tag, pid, id;
    if (!text.starts_with("1 "))
        return false;
    text.remove_prefix(2);
    if (!take_word(text, stamp) || !(stamp == "-" || matches(stamp, "0000-00-00T00:00:00")) || !take_word(text, host) ||
        !take_word(text, tag) || !take_word(text, pid))
        return false;
    const std::string_view from_id = text;
    if (!take_word(text, id))
        return false;
    const std::size_t end = end_of_data(text);
    if (end == 0 || (end < text.size() && text[end] != ' '))
        return false;
    message.tag = tag == "-" ? std::string_view() : tag;
    message.pid = pid == "-" ? std::string_view() : pid;
    if (id != "-") {
        message.text = from_id;
    } else if (text.starts_with('[')) {
        message.text = text;
    } else {
        message.text = text.substr(std::min(text.size(), end + 1));
        if (message.text.starts_with("\xef\xbb\xbf")) // says that it is UTF-8, as everything is
            message.text.remove_prefix(3);
    }
    return true;
}

} // namespace

int take_pri(std::string_view& text) {
    int number = 0;
    std::size_t at = 1;
    while (at < text.size() && at < 4 && is_digit(text[at]))
        number = number * 10 + (text[at++] - '0');
    if (!text.starts_with('<') || at == 1 || at >= text.size() || text[at] != '>' ||
        number >= wire::logs::facilities * 8)
        return -1;
    text.remove_prefix(at + 1);
    return number;
}

SyslogMessage parse_syslog(std::string_view datagram, std::string_view host) {
    SyslogMessage message;
    while (datagram.ends_with('\n') || datagram.ends_with('\0'))
        datagram.remove_suffix(1);
    if (int number = take_pri(datagram); number >= 0) {
        message.priority = static_cast<Priority>(number % 8);
        message.facility = static_cast<Facility>(number / 8);
        if (parse_5424(datagram, message))
            return message;
        skip_stamp(datagram);
        if (std::string_view rest = datagram, word; !host.empty() && take_word(rest, word) && word == host)
            datagram = rest;
    }
    message.text = datagram;
    return message;
}

} // namespace mi::logd
