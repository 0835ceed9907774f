#include "base/glob.hpp"

#include <cstddef>

namespace mi {

namespace {

// The length of the part of the pattern at `at` that matches the one letter; 0: it does not match.
std::size_t matches_letter(std::string_view pattern, std::size_t at, char letter) {
    if (at >= pattern.size())
        return 0;
    const bool negated = pattern.substr(at).starts_with("[!") || pattern.substr(at).starts_with("[^");
    const std::size_t begin = at + (negated ? 2 : 1), end = pattern.find(']', begin + 1); // "[]]" is a set, too
    if (pattern[at] != '[' || end == pattern.npos)
        return pattern[at] == '?' || pattern[at] == letter ? 1 : 0;
    bool is_in = false;
    for (std::size_t i = begin; i < end; ++i)
        if (i + 2 < end && pattern[i + 1] == '-') {
            is_in = is_in || (pattern[i] <= letter && letter <= pattern[i + 2]);
            i += 2;
        } else {
            is_in = is_in || pattern[i] == letter;
        }
    return is_in != negated ? end + 1 - at : 0;
}

} // namespace

bool matches_pattern(std::string_view name, std::string_view pattern) {
    // On a mismatch, go back to the last `*` and let it match one more letter.
    std::size_t n = 0, p = 0, star = pattern.npos, star_n = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_n = n;
        } else if (const std::size_t used = matches_letter(pattern, p, name[n]); used != 0) {
            p += used;
            ++n;
        } else if (star != pattern.npos) {
            p = star + 1;
            n = ++star_n;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == pattern.npos;
}

} // namespace mi
