// Joins words into a list: "a, b, c".
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace mi {

// Appends `word` to `list`, with `between` before it if the list is not empty.
inline void join_to(std::string& list, std::string_view word, std::string_view between = ", ") {
    if (!list.empty())
        list += between;
    list += word;
}

// All words of a container, with `between` between them.
template <typename Words>
[[nodiscard]] std::string join(const Words& words, std::string_view between = ", ") {
    std::string list;
    bool first = true;
    for (const auto& word : words) {
        if (!std::exchange(first, false))
            list += between;
        list += word;
    }
    return list;
}

} // namespace mi
