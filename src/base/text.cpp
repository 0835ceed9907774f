#include "base/text.hpp"

#include <algorithm>

namespace mi {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> pieces;
    for (;;) {
        std::size_t at = text.find(separator);
        pieces.push_back(text.substr(0, at));
        if (at == std::string_view::npos)
            return pieces;
        text.remove_prefix(at + 1);
    }
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::string_view units = "KMGTPE";
    std::uint64_t whole = bytes, tenths = 0;
    std::size_t unit = 0;
    for (; whole >= 1024 && unit < units.size(); ++unit) {
        tenths = whole % 1024 * 10 / 1024;
        whole /= 1024;
    }
    std::string text = std::to_string(whole);
    if (tenths != 0)
        text += '.' + std::to_string(tenths);
    if (unit > 0)
        text += units[unit - 1];
    return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    // Three rows of the table for the optimal string alignment distance (restricted Damerau-Levenshtein); a longer word
    // is never a typing error.
    constexpr std::size_t longest = 64;
    if (a.size() > longest || b.size() > longest)
        return std::max(a.size(), b.size());
    std::size_t rows[3][longest + 1];
    for (std::size_t j = 0; j <= b.size(); ++j)
        rows[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t* row = rows[i % 3];
        const std::size_t* above = rows[(i - 1) % 3];
        const std::size_t* above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], above_that[j - 2] + 1);
        }
    }
    return rows[a.size() % 3][b.size()];
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    std::string_view best;
    std::size_t least = std::min<std::size_t>(3, word.size() / 3 + 1) + 1;
    for (std::string_view candidate : candidates) {
        std::size_t distance = edit_distance(word, candidate);
        if (distance < least) {
            least = distance;
            best = candidate;
        }
    }
    return best;
}

} // namespace mi
