// Reads the syntax of systemd's unit files, systemd.syntax(7): sections, assignments, comments, continued lines. Does
// not know the meaning of directives.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

// `Key=Value` in one file.
struct Assignment {
    std::string section, key, value;
    std::string file;
    std::uint32_t line = 0; // the first one, if the assignment has several lines

    // True if it has a value. An assignment without one cancels those before it.
    [[nodiscard]] bool is_set() const { return !value.empty(); }
    [[nodiscard]] std::string_view value_or(std::string_view other) const { return is_set() ? value : other; }
};

// A line that is no assignment, with the reason.
struct BadLine {
    std::string file;
    std::uint32_t line = 0;
    std::string text;
    std::string_view why;
};

struct UnitText {
    std::vector<Assignment> assignments;
    std::vector<BadLine> bad;

    // All assignments of a directive, also the empty ones.
    [[nodiscard]] std::vector<const Assignment*> of(std::string_view section, std::string_view key) const;
    // The value in force; empty if there is none.
    [[nodiscard]] std::string_view value(std::string_view section, std::string_view key) const;
};

// Appends the lines of `text` to `into`. Call it once for the unit file and once for each drop-in, in order.
void read_unit_text(UnitText& into, std::string_view text, const std::string& file);

// True if `text` is UTF-8 without NUL, and so can stand in a TOML file and on a command line.
[[nodiscard]] bool is_plain_text(std::string_view text);

} // namespace mi::convert
