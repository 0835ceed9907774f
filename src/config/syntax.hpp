// The small languages inside strings: durations, sizes, modes, command lines, environment files. Pure text to value;
// what file it stood in, and the message for people, is value.hpp's.
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
// Nothing where it is none, or longer than a century.
[[nodiscard]] std::optional<Span> parse_duration(std::string_view text);
// The shortest exact way to write it: `1h30min`, `100ms`, `0`.
[[nodiscard]] std::string duration_text(Span span);

// How what people write for a duration ("5 minutes", "10sec", "90", "1 h 30 m") is written here; empty where it is none.
[[nodiscard]] std::string duration_meant(std::string_view text);

// `4096`, `64K`, `10M`, `1G`, `2T`, also `64KiB`: powers of 1024, in bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

// `0644`, `755`: octal, at most 07777.
[[nodiscard]] std::optional<std::uint32_t> parse_mode(std::string_view text);

// `150%`: a whole number and the sign.
[[nodiscard]] std::optional<std::uint32_t> parse_percent(std::string_view text);

// A command line split as a shell does, without a shell: blanks separate, '…' is literal, in "…" a backslash escapes
// only " \ $ and `, elsewhere it escapes anything; nothing is expanded. The error is a phrase: "unterminated double
// quote".
[[nodiscard]] std::expected<core::Command, std::string_view> split_command(std::string_view text);

struct EnvironmentProblem {
    std::uint32_t line; // from 1
    std::string message;
    bool operator==(const EnvironmentProblem&) const = default;
};
struct Environment {
    std::vector<std::pair<std::string, std::string>>
        variables;                            // a name set twice: the last one stands, at its first place
    std::vector<EnvironmentProblem> problems; // such lines are left out
};
// The dialect of `environment-files`, of which miniinit-unit(5) has a table: KEY=VALUE a line, blank lines and lines starting
// with # or ; ignored, an `export ` before the key allowed. VALUE is shell words without expansion: '…' literal (may span
// lines), "…" with \" \\ \$ \`, and backslash-newline joins lines; unquoted, blanks at both ends go, those inside stay, and
// # after a blank starts a comment.
[[nodiscard]] Environment parse_environment(std::string_view text);

// Whether `name` can be a variable of the environment. execve(2) takes anything without '=' and NUL; what has blanks, control
// characters, quotes, a backslash, $ or ` is more likely a mistake than a name.
[[nodiscard]] bool is_variable_name(std::string_view name);
// Whether `name` can be a variable of a shell, too: a letter or _, then letters, digits or _.
[[nodiscard]] bool is_shell_variable_name(std::string_view name);

} // namespace mi::config
