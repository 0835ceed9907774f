// Small text functions that several rooms use: numbers, splitting, similar words. They use no locale, and allocate only
// if a view is not enough.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi {

// All of `text` as a number in `base`; nullopt if it has a sign (for unsigned types), blanks, other characters, or
// overflows.
template <std::integral Number>
[[nodiscard]] std::optional<Number> to_number(std::string_view text, int base = 10) {
    Number number{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return number;
}

// The pieces of `text` between separators: one more than there are separators.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

// `text` without blanks, tabs and line ends at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);

// A size in bytes for people, to one decimal: "64M", "1.5G", "812".
[[nodiscard]] std::string size_text(std::uint64_t bytes);

// The number of single-letter changes (insert, delete, replace, swap neighbours) that turn `a` into `b`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, if it is near enough for a typing error (a third of the word, at most 3 edits); else
// empty.
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

} // namespace mi
