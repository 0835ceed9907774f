// Counts with their nouns, for people: "1 unit", "2 units", "1 process", "3 processes".
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace mi {

// `many`: the plural, if it is not the word with an s.
[[nodiscard]] std::string counted(std::integral auto count, std::string_view one, std::string_view many = {}) {
    std::string text = std::to_string(count) + " ";
    if (count == 1 || many.empty())
        text += one;
    else
        text += many;
    return count == 1 || !many.empty() ? text : text + "s";
}

} // namespace mi
