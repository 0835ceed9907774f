#include "base/printable.hpp"

#include "base/utf8.hpp"

#include <algorithm>

namespace mi {

namespace {

struct Range {
    char32_t first, last;
};

// Apart from control characters; sorted. The last two code points of each plane are checked separately.
constexpr Range unprintable[] = {{0x061c, 0x061c}, {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},
                                 {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

bool is_plain(char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte >= 0x20 && byte < 0x7f;
}

// The number of bytes at the front of `text` that are printable ASCII.
std::size_t plain_run(std::string_view text) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
}

void append_hexadecimal(std::string& to, char32_t number, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        to += "0123456789abcdef"[number >> shift & 15];
}

void append_escape(std::string& to, char32_t point, Quoting how) {
    if (point == '\n' || point == '\t') {
        to += point == '\n' ? "\\n" : "\\t";
    } else if (point < 0x10000) {
        append_hexadecimal(to += "\\u", point, 4);
    } else if (how == Quoting::toml) {
        append_hexadecimal(to += "\\U", point, 8);
    } else { // a surrogate pair, as JSON requires
        append_hexadecimal(to += "\\u", 0xd800 + ((point - 0x10000) >> 10), 4);
        append_hexadecimal(to += "\\u", 0xdc00 + (point & 0x3ff), 4);
    }
}

} // namespace

bool is_printable(char32_t point) {
    if (point < 0x300)
        return point >= 0x20 && (point < 0x7f || point > 0x9f);
    const Range* after = std::upper_bound(std::begin(unprintable), std::end(unprintable), point,
                                          [](char32_t wanted, const Range& range) { return wanted < range.first; });
    const bool within = after != std::begin(unprintable) && point <= after[-1].last;
    return !within && (point & 0xfffe) != 0xfffe;
}

void append_printable(std::string& to, std::string_view text, Keep keep) {
    while (!text.empty()) {
        const std::size_t run = plain_run(text);
        to.append(text.substr(0, run));
        text.remove_prefix(run);
        if (text.empty())
            return;
        const char first = text.front();
        const std::size_t size = character(text);
        if ((first == '\t' && keep != Keep::none) || (first == '\n' && keep == Keep::lines))
            to += first;
        else if (size > 0 && is_printable(code_point(text, size)))
            to.append(text.substr(0, size));
        else
            to += '?';
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
}

std::string printable(std::string_view text, Keep keep) {
    std::string shown;
    shown.reserve(text.size());
    append_printable(shown, text, keep);
    return shown;
}

bool append_quoted(std::string& to, std::string_view text, Quoting how) {
    bool valid = true;
    to += '"';
    while (!text.empty()) {
        std::size_t run = 0;
        while (run < text.size() && is_plain(text[run]) && text[run] != '"' && text[run] != '\\')
            ++run;
        to.append(text.substr(0, run));
        text.remove_prefix(run);
        if (text.empty())
            break;
        const std::size_t size = character(text);
        const char32_t point = size == 0 ? 0 : code_point(text, size);
        if (size == 0) {
            valid = false;
            to += "\xef\xbf\xbd";
        } else if (point == '"' || point == '\\') {
            (to += '\\') += text.front();
        } else if (is_printable(point)) {
            to.append(text.substr(0, size));
        } else {
            append_escape(to, point, how);
        }
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    to += '"';
    return valid;
}

} // namespace mi
