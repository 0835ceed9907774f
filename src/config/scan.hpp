// A light walk over TOML text, line by line, that knows strings, comments and brackets. It keeps from the parser what
// the parser does not bear (bytes that are no UTF-8, foreign letters outside strings, bottomless nesting), and after a
// syntax error finds out which lines to leave out so that the rest can still be read.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

namespace mi::config {

class Scan {
public:
    // Takes the next line, without its line end. The first thing wrong with it is then in `problem()`.
    void line(std::string_view text);

    [[nodiscard]] std::string_view problem() const { return problem_; }  // empty: nothing
    [[nodiscard]] std::size_t problem_at() const { return problem_at_; } // byte in the line, from 0
    [[nodiscard]] std::uint32_t lines() const { return number_; }        // taken so far
    // Whether the lines so far end inside a value, and where its outermost bracket or its quotes were opened.
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

// Whether a line by itself looks like `key =` or `[table]`, even though a bracket is still open before it.
[[nodiscard]] bool starts_statement(std::string_view line);

// The line of `text`, from 1, in which a unit of systemd begins: its first one with a section, which a setting in systemd's way
// follows. 0: this is none.
[[nodiscard]] std::uint32_t line_of_systemd(std::string_view text);

// Splits the first line off `text`, without its line end.
[[nodiscard]] std::string_view take_line(std::string_view& text);

// Which character of `line`, from 1, begins at or before byte `at`.
[[nodiscard]] std::uint32_t column_of(std::string_view line, std::size_t at);

} // namespace mi::config
