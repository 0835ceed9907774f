// The values of systemd's directives that are not plain words: booleans, spans of time, sizes, exit statuses. Text in,
// value or nothing out.
#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

[[nodiscard]] std::optional<bool> truth(std::string_view text);

// A span of time; `infinite` where there is no end. A bare number counts in `unit`.
struct Time {
    bool infinite = false;
    Span span{0};
};
[[nodiscard]] std::optional<Time> time_span(std::string_view text, Span unit = std::chrono::seconds(1));

// Bytes (K, M, G, T, P and E are powers of 1024), a percentage, or `infinite`.
struct Size {
    bool infinite = false, percent = false;
    std::uint64_t number = 0;
};
[[nodiscard]] std::optional<Size> byte_size(std::string_view text);

// The number of an exit status that has a name, as systemd.exec(5) lists them: "TEMPFAIL".
[[nodiscard]] std::optional<int> exit_status(std::string_view name);

// Whether it can be the name of a user or group.
[[nodiscard]] bool is_account(std::string_view name);
inline constexpr std::string_view not_an_account = "it is no name that an account can have";

// The last part of a path.
[[nodiscard]] std::string_view file_name(std::string_view path);

// `text` with its ASCII letters made small.
[[nodiscard]] std::string small(std::string_view text);

// Whether `word` is one of `words`, which have blanks between them.
[[nodiscard]] bool is_one_of(std::string_view word, std::string_view words);

// Adds `word` to a list that does not have it yet.
void add_once(std::vector<std::string>& list, std::string word);

// The pieces of `text` between blanks.
[[nodiscard]] std::vector<std::string_view> blank_separated(std::string_view text);

// A whole number, also with a sign.
[[nodiscard]] std::optional<std::int64_t> whole(std::string_view text);

} // namespace mi::convert
