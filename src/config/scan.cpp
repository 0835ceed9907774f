#include "config/scan.hpp"

#include "base/text.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace mi::config {

namespace {

// Far deeper than any unit needs, and far less than the stack can bear.
constexpr unsigned deepest = 16;

bool is_ascii(std::string_view text) {
    unsigned char all = 0;
    for (char letter : text)
        all |= static_cast<unsigned char>(letter);
    return all < 0x80;
}

} // namespace

void Scan::wrong(std::string_view what, std::size_t at) {
    if (problem_.empty()) {
        problem_ = what;
        problem_at_ = at;
    }
}

void Scan::line(std::string_view text) {
    ++number_;
    dots_ = 0;
    problem_ = {};
    if (!is_ascii(text))
        if (std::size_t good = valid_utf8(text); good != text.size())
            wrong("not UTF-8 text", good);
    if (const void* nul = std::memchr(text.data(), 0, text.size()); nul != nullptr && !text.empty())
        wrong("a NUL byte", static_cast<std::size_t>(static_cast<const char*>(nul) - text.data()));
    std::size_t at = 0;
    while (at < text.size())
        at = quote_ != 0 ? long_string(text, at) : plain(text, at);
}

// Reads one piece outside strings; returns the position after it.
std::size_t Scan::plain(std::string_view text, std::size_t at) {
    char letter = text[at];
    switch (letter) {
    case '#': return text.size();
    case '"':
    case '\'':
        if (at + 2 < text.size() && text[at + 1] == letter && text[at + 2] == letter) {
            if (depth_ == 0) {
                opened_line_ = number_;
                opened_at_ = at;
            }
            quote_ = letter;
            return at + 3;
        }
        return one_line_string(text, at);
    case '[':
    case '{':
        if (depth_++ == 0) {
            opened_line_ = number_;
            opened_at_ = at;
        }
        dots_ = 0;
        if (depth_ > deepest)
            wrong("nested too deeply", at);
        break;
    case ']':
    case '}':
        depth_ -= depth_ > 0 ? 1 : 0;
        dots_ = 0;
        break;
    case '=':
    case ',': dots_ = 0; break;
    case '.':
        if (++dots_ > deepest)
            wrong("a key of too many parts", at);
        break;
    default:
        if (static_cast<unsigned char>(letter) >= 0x80)
            wrong("letters beyond ASCII may stand only in strings and comments", at);
    }
    return at + 1;
}

std::size_t Scan::one_line_string(std::string_view text, std::size_t at) const {
    char quote = text[at];
    for (++at; at < text.size(); ++at) {
        if (text[at] == quote)
            return at + 1;
        if (text[at] == '\\' && quote == '"')
            ++at;
    }
    return text.size();
}

std::size_t Scan::long_string(std::string_view text, std::size_t at) {
    for (; at < text.size(); ++at) {
        if (text[at] == '\\' && quote_ == '"') {
            ++at;
        } else if (text[at] == quote_ && at + 2 < text.size() && text[at + 1] == quote_ && text[at + 2] == quote_) {
            char quote = std::exchange(quote_, '\0');
            at += 3;
            // One or two more quotes belong to the string.
            for (int more = 0; more < 2 && at < text.size() && text[at] == quote; ++more)
                ++at;
            return at;
        }
    }
    return text.size();
}

bool starts_statement(std::string_view line) {
    constexpr std::string_view key_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    bool header = line.starts_with('[');
    while (line.starts_with('['))
        line.remove_prefix(1);
    std::size_t end = std::min(line.find_first_not_of(key_letters), line.size());
    if (end == 0)
        return false;
    line.remove_prefix(end);
    if (header) {
        if (!line.starts_with(']'))
            return false;
        line.remove_prefix(std::min(line.find_first_not_of("] \t\r"), line.size()));
        return line.empty() || line.starts_with('#');
    }
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return line.starts_with('=');
}

std::string_view take_line(std::string_view& text) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

std::uint32_t column_of(std::string_view line, std::size_t at) {
    std::uint32_t column = 1;
    for (std::size_t i = 0; i < at && i < line.size(); ++i)
        if (i + 1 <= at && (i + 1 == line.size() || (static_cast<unsigned char>(line[i + 1]) & 0xc0) != 0x80))
            ++column;
    return column;
}

std::uint32_t line_of_systemd(std::string_view text) {
    constexpr std::string_view sections[] = {"[Unit]",  "[Service]", "[Install]", "[Socket]", "[Timer]",
                                             "[Mount]", "[Path]",    "[Slice]",   "[Swap]"};
    std::uint32_t begins = 0;
    for (std::uint32_t number = 1; !text.empty(); ++number) {
        const std::string_view line = trim(take_line(text));
        if (line.empty() || line.starts_with('#') || line.starts_with(';'))
            continue;
        if (std::ranges::find(sections, line) != std::end(sections)) {
            begins = begins == 0 ? number : begins;
            continue;
        }
        // `Description=Shop`, whose value is no string, array or number of TOML.
        const std::size_t name = line.find_first_of(" \t=");
        const bool capital = line.front() >= 'A' && line.front() <= 'Z' && name != line.npos;
        return capital && trim(line.substr(name)).starts_with('=') ? begins : 0;
    }
    return 0;
}

} // namespace mi::config
