// Parses the small languages inside strings: durations, sizes, modes, command lines, environment files. Pure functions
// from text to value; value.hpp adds the place and the message for people.
#pragma once

#include "base/time.hpp"
#include "core/unit.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mi::config {

// `500ms`, `10s`, `1.5s`, `2min`, `1h30min`, `1d`, `2w`, `0`: a sum of numbers, each with us, ms, s, min, h, d or w.
// nullopt if the text has another form, or means more than a century.
[[nodiscard]] std::optional<Span> parse_duration(std::string_view text);
// The shortest exact form of a duration: `1h30min`, `100ms`, `0`.
[[nodiscard]] std::string duration_text(Span span);

// The correct form of a duration that people write in another way ("5 minutes", "10sec", "90", "1 h 30 m"); empty if it
// is none.
[[nodiscard]] std::string duration_meant(std::string_view text);

// `4096`, `64K`, `10M`, `1G`, `2T`, also `64KiB`: powers of 1024, in bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

// `0644`, `755`: octal, at most 07777.
[[nodiscard]] std::optional<std::uint32_t> parse_mode(std::string_view text);

// `150%`: a whole number and the sign.
[[nodiscard]] std::optional<std::uint32_t> parse_percent(std::string_view text);

// Whether the path is absolute and no component of it is `..`, so that it leads below where it seems to.
[[nodiscard]] bool is_straight_path(std::string_view path);

// Splits a command line as a shell does, but expands nothing: blanks separate words, '…' is literal, in "…" a backslash
// escapes only " \ $ and `, elsewhere it escapes any character. The error is a phrase: "unterminated double quote".
[[nodiscard]] std::expected<core::Command, std::string_view> split_command(std::string_view text);

struct EnvironmentProblem {
    std::uint32_t line; // from 1
    std::string message;
    bool operator==(const EnvironmentProblem&) const = default;
};
struct Environment {
    std::vector<std::pair<std::string, std::string>>
        variables;                            // if a name is set twice, the last value is kept, at the first place
    std::vector<EnvironmentProblem> problems; // lines with problems are left out
};
// The syntax of `environment-files` (table in miniinit-unit(5)): one KEY=VALUE on each line; blank lines and lines
// starting with # or ; are ignored; `export ` may stand before the key. VALUE is shell words without expansion: '…' is
// literal (and may span lines), "…" knows \" \\ \$ \`, and backslash-newline joins lines; unquoted blanks at both ends
// are removed, those inside stay, and # after a blank starts a comment.
[[nodiscard]] Environment parse_environment(std::string_view text);
// The syntax of EnvironmentFile= in systemd.exec(5), where it differs: quotes count only at the beginning of a value and behind
// a quoted part, # is a comment only at the beginning of a line, and a line that cannot be read is passed over.
[[nodiscard]] Environment parse_systemd_environment(std::string_view text);

// Whether `name` can be a variable of the environment. execve(2) accepts any name without '=' and NUL; but one with
// blanks, control characters, quotes, a backslash, $ or ` is probably a mistake.
[[nodiscard]] bool is_variable_name(std::string_view name);
// Whether `name` can also be a variable of a shell: a letter or _, then letters, digits or _.
[[nodiscard]] bool is_shell_variable_name(std::string_view name);

} // namespace mi::config
