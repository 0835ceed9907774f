// Scans TOML text line by line, and knows only strings, comments and brackets. It keeps text from the parser that the
// parser cannot handle (bytes that are not UTF-8, foreign letters outside strings, excessive nesting), and after a
// syntax error finds the lines to leave out so that the rest can be read.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

namespace mi::config {

class Scan {
public:
    // Scans the next line, given without its line end. problem() then has the first error in it.
    void line(std::string_view text);

    [[nodiscard]] std::string_view problem() const { return problem_; }  // empty: none
    [[nodiscard]] std::size_t problem_at() const { return problem_at_; } // byte in the line, from 0
    [[nodiscard]] std::uint32_t lines() const { return number_; }        // lines scanned so far
    // Whether the lines so far end inside a value, and the place where its outermost bracket or its quotes began.
    [[nodiscard]] bool open() const { return depth_ > 0 || quote_ != 0; }
    [[nodiscard]] bool in_string() const { return quote_ != 0; }
    [[nodiscard]] std::uint32_t opened_line() const { return opened_line_; }
    [[nodiscard]] std::size_t opened_at() const { return opened_at_; }

private:
    void wrong(std::string_view what, std::size_t at);
    std::size_t plain(std::string_view text, std::size_t at);
    std::size_t one_line_string(std::string_view text, std::size_t at) const;
    std::size_t long_string(std::string_view text, std::size_t at);

    std::uint32_t number_ = 0;
    unsigned depth_ = 0;
    unsigned dots_ = 0;
    char quote_ = 0; // inside """ or '''
    std::uint32_t opened_line_ = 0;
    std::size_t opened_at_ = 0;
    std::string_view problem_;
    std::size_t problem_at_ = 0;
};

// Whether a line by itself looks like `key =` or `[table]`, even if an earlier bracket is still open.
[[nodiscard]] bool starts_statement(std::string_view line);

// If `text` is a systemd unit: the number of its first section line that is followed by a setting in systemd's syntax,
// from 1. 0: it is none.
[[nodiscard]] std::uint32_t line_of_systemd(std::string_view text);

// Removes the first line from `text` and returns it without its line end.
[[nodiscard]] std::string_view take_line(std::string_view& text);

// The number of the character of `line`, from 1, that contains byte `at`.
[[nodiscard]] std::uint32_t column_of(std::string_view line, std::size_t at);

} // namespace mi::config
