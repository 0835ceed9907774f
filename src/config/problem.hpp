// A problem in a file and its place: one message for people, made by the code that finds it.
#pragma once

#include <cstdint>
#include <string>

namespace mi::config {

enum class Severity : std::uint8_t { error, warning };

// One problem of one file. `line` and `column` count from 1, the column in characters; 0: the file as a whole.
struct Problem {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    Severity severity = Severity::error;
    std::string message;
    std::string source_line; // the line with the problem, as in the file
    std::string suggestion;  // "did you mean `requires`?", or empty
    bool operator==(const Problem&) const = default;
};

// `FILE:LINE:COL: message (suggestion)`, without a line end: for a log line or `Unit::fault`.
[[nodiscard]] std::string brief(const Problem& problem);

// In the form of a compiler's message: `FILE:LINE:COL: error: message`, the line, a caret below it, the suggestion.
// Several lines, each with its line end. Control characters of the file are not passed to the terminal.
[[nodiscard]] std::string text(const Problem& problem);

} // namespace mi::config
