#include "config/problem.hpp"

namespace mi::config {

namespace {

// Where the caret goes and how much of a long line is worth printing, in characters.
constexpr std::size_t widest = 160;
constexpr std::size_t before_caret = 100;

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// `line` for a terminal: the part around character `column` (from 1), blanks for tabs, '?' for other control characters
// and for bytes that are no UTF-8. Says in `caret` after how many characters the caret stands.
std::string printable(const std::string& line, std::uint32_t column, std::size_t& caret) {
    std::string shown;
    std::size_t first = column > widest ? column - before_caret : 0;
    std::size_t character = 0, width = 0;
    caret = 0;
    for (std::size_t at = 0; at < line.size() && width < widest; ++character) {
        std::size_t length = 1;
        while (at + length < line.size() && continues_character(line[at + length]))
            ++length;
        if (character >= first) {
            auto lead = static_cast<unsigned char>(line[at]);
            bool ascii = lead >= 0x20 && lead < 0x7f && length == 1;
            bool wide = (lead >= 0xc3 && lead < 0xe0 && length == 2) || (lead >= 0xe0 && lead < 0xf0 && length == 3) ||
                        (lead >= 0xf0 && lead < 0xf5 && length == 4);
            if (ascii || wide)
                shown.append(line, at, length);
            else
                shown += lead == '\t' ? ' ' : '?';
            if (++width < column - first)
                caret = width;
        }
        at += length;
    }
    return shown;
}

std::string where(const Problem& problem) {
    std::string place = problem.file;
    if (problem.line != 0) {
        place += ':' + std::to_string(problem.line);
        if (problem.column != 0)
            place += ':' + std::to_string(problem.column);
    }
    return place + ": ";
}

// Words of a file inside a message must not drive the terminal either.
std::string harmless(std::string words) {
    for (char& letter : words)
        if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f)
            letter = '?';
    return words;
}

} // namespace

std::string brief(const Problem& problem) {
    std::string line = where(problem) + problem.message;
    if (!problem.suggestion.empty())
        line += " (" + problem.suggestion + ")";
    return harmless(std::move(line));
}

std::string text(const Problem& problem) {
    std::string lines =
        harmless(where(problem) + (problem.severity == Severity::error ? "error: " : "warning: ") + problem.message) +
        '\n';
    if (problem.line != 0 && !problem.source_line.empty()) {
        std::string number = std::to_string(problem.line);
        std::size_t caret = 0;
        lines += ' ' + number + " | " + printable(problem.source_line, problem.column, caret) + '\n';
        if (problem.column != 0)
            lines += std::string(number.size() + 1, ' ') + " | " + std::string(caret, ' ') + "^\n";
    }
    if (!problem.suggestion.empty())
        lines += "  = " + harmless(problem.suggestion) + '\n';
    return lines;
}

} // namespace mi::config
