// Small pieces of text work that several rooms share: numbers, splitting, nearness of words. No locale, no allocation
// where a view will do.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi {

// The whole of `text` as a number in `base`, or nothing: no sign (for unsigned), no blanks, no rest, no overflow.
template <std::integral Number>
[[nodiscard]] std::optional<Number> to_number(std::string_view text, int base = 10) {
    Number number{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return number;
}

// The pieces of `text` between `separator`s; one piece more than there are separators.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

// `text` without blanks, tabs and line ends at its two ends.
[[nodiscard]] std::string_view trim(std::string_view text);

// A size for people, to one decimal: "64M", "1.5G", "812".
[[nodiscard]] std::string size_text(std::uint64_t bytes);

// How many single-letter changes (insert, drop, replace, swap of neighbours) lead from `a` to `b`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, if it is near enough to be a slip of the pen (a third of the word, at most 3 edits).
[[nodiscard]] std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

} // namespace mi
