// Reads the values of systemd's directives: booleans, time spans, sizes, names of exit statuses. Each function returns
// nullopt if the text is no such value. Also small helpers for words and lists.
#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::convert {

[[nodiscard]] std::optional<bool> truth(std::string_view text);

// A time span as in systemd.time(7), or `infinite`. A number without a unit is counted in `unit`.
struct Time {
    bool infinite = false;
    Span span{0};
};
[[nodiscard]] std::optional<Time> time_span(std::string_view text, Span unit = std::chrono::seconds(1));

// A number of bytes (K, M, G, T, P and E are powers of 1024), a percentage, or `infinite`.
struct Size {
    bool infinite = false, percent = false;
    std::uint64_t number = 0;
};
[[nodiscard]] std::optional<Size> byte_size(std::string_view text);

// The number of an exit status, by its name in systemd.exec(5): 75 for "TEMPFAIL".
[[nodiscard]] std::optional<int> exit_status(std::string_view name);

// True if it can be the name of a user or group.
[[nodiscard]] bool is_account(std::string_view name);
inline constexpr std::string_view not_an_account = "it is no name that an account can have";

// The last part of a path.
[[nodiscard]] std::string_view file_name(std::string_view path);

// `text` with ASCII letters in lower case.
[[nodiscard]] std::string small(std::string_view text);

// True if `word` is one of `words`, which are separated by blanks.
[[nodiscard]] bool is_one_of(std::string_view word, std::string_view words);

// Adds `word` to the list, unless it is there.
void add_once(std::vector<std::string>& list, std::string word);

// The words of `text`, which are separated by blanks.
[[nodiscard]] std::vector<std::string_view> blank_separated(std::string_view text);

// A whole number, with or without a sign.
[[nodiscard]] std::optional<std::int64_t> whole(std::string_view text);

} // namespace mi::convert
