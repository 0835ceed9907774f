#include "config/problem.hpp"

#include "base/printable.hpp"
#include "base/utf8.hpp"

#include <algorithm>

namespace mi::config {

namespace {

// The most characters of a long line to print around the caret.
constexpr std::size_t widest = 160;
constexpr std::size_t before_caret = 100;

// Prepares `line` for a terminal: the part around character `column` (from 1), with blanks for tabs. `caret` gets the
// number of characters before the caret.
std::string around(std::string_view line, std::uint32_t column, std::size_t& caret) {
    std::string shown;
    std::size_t first = column > widest ? column - before_caret : 0;
    std::size_t number = 0, width = 0;
    caret = 0;
    for (; !line.empty() && width < widest; ++number) {
        const std::size_t size = std::max<std::size_t>(character(line), 1);
        if (number >= first) {
            if (line.front() == '\t')
                shown += ' ';
            else
                append_printable(shown, line.substr(0, size));
            if (++width < column - first)
                caret = width;
        }
        line.remove_prefix(size);
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

} // namespace

std::string brief(const Problem& problem) {
    std::string line = where(problem) + problem.message;
    if (!problem.suggestion.empty())
        line += " (" + problem.suggestion + ")";
    return printable(line);
}

std::string text(const Problem& problem) {
    std::string lines =
        printable(where(problem) + (problem.severity == Severity::error ? "error: " : "warning: ") + problem.message) +
        '\n';
    if (problem.line != 0 && !problem.source_line.empty()) {
        std::string number = std::to_string(problem.line);
        std::size_t caret = 0;
        lines += ' ' + number + " | " + around(problem.source_line, problem.column, caret) + '\n';
        if (problem.column != 0)
            lines += std::string(number.size() + 1, ' ') + " | " + std::string(caret, ' ') + "^\n";
    }
    if (!problem.suggestion.empty())
        lines += "  = " + printable(problem.suggestion) + '\n';
    return lines;
}

} // namespace mi::config
