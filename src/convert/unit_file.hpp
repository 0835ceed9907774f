// The syntax of systemd's unit files, as systemd.syntax(7) has it: sections, assignments, comments, lines that go on. What
// a directive means is for others.
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
    std::uint32_t line = 0; // of its beginning

    // Whether it has a value. An empty one takes back what was assigned before.
    [[nodiscard]] bool is_set() const { return !value.empty(); }
    [[nodiscard]] std::string_view value_or(std::string_view other) const { return is_set() ? value : other; }
};

// A line that is none of these: what is wrong with it.
struct BadLine {
    std::string file;
    std::uint32_t line = 0;
    std::string text;
    std::string_view why;
};

struct UnitText {
    std::vector<Assignment> assignments;
    std::vector<BadLine> bad;

    // Every assignment of a directive, also empty ones.
    [[nodiscard]] std::vector<const Assignment*> of(std::string_view section, std::string_view key) const;
    // The value in force; empty where there is none.
    [[nodiscard]] std::string_view value(std::string_view section, std::string_view key) const;
};

// Appends what `text` says to `into`, as a drop-in does.
void read_unit_text(UnitText& into, std::string_view text, const std::string& file);

// Whether `text` can be in a TOML file and a command line: UTF-8 without NUL.
[[nodiscard]] bool is_plain_text(std::string_view text);

} // namespace mi::convert
