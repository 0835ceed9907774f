#include "ctl/utf8.hpp"

#include <algorithm>
#include <iterator>
#include <span>

namespace mi::ctl {

namespace {

struct Range {
    char32_t first, last;
};

// After Unicode's EastAsianWidth.txt (W and F) and its combining marks: blocks rather than every letter, for nobody lines up
// columns in the others.
constexpr Range wide[] = {{0x1100, 0x115f},   {0x231a, 0x231b},   {0x23e9, 0x23ec},   {0x25fd, 0x25fe},
                          {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26aa, 0x26ab},   {0x26bd, 0x26be},
                          {0x26c4, 0x26c5},   {0x26d4, 0x26d4},   {0x2705, 0x2705},   {0x270a, 0x270b},
                          {0x2728, 0x2728},   {0x274c, 0x274c},   {0x2753, 0x2755},   {0x2e80, 0x303e},
                          {0x3041, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
                          {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f004, 0x1f004},
                          {0x1f18e, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f64f}, {0x1f680, 0x1f6ff},
                          {0x1f7e0, 0x1f7eb}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd}};
constexpr Range over[] = {{0x0300, 0x036f}, {0x0483, 0x0489},  {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
                          {0x06d6, 0x06dc}, {0x0900, 0x0902},  {0x093c, 0x093c}, {0x0941, 0x0948}, {0x0e31, 0x0e31},
                          {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e},  {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},
                          {0x202a, 0x202e}, {0x2060, 0x2064},  {0x20d0, 0x20f0}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
                          {0xfeff, 0xfeff}, {0xe0100, 0xe01ef}};

bool within(std::span<const Range> ranges, char32_t point) {
    const auto after = std::ranges::upper_bound(ranges, point, {}, &Range::first);
    return after != ranges.begin() && point <= std::prev(after)->last;
}

} // namespace

std::size_t character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || text.size() < size)
        return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80)
            return 0;
    const unsigned char second = size > 1 ? static_cast<unsigned char>(text[1]) : 0;
    // Overlong forms, surrogates, beyond U+10FFFF.
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second >= 0x90))
        return 0;
    return size;
}

char32_t code_point(std::string_view text, std::size_t size) {
    const auto first = static_cast<unsigned char>(text[0]);
    char32_t point = size == 1 ? first : first & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i)
        point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
    return point;
}

unsigned columns_of(char32_t point) {
    if (point < 0x300)
        return 1;
    return within(over, point) ? 0 : within(wide, point) ? 2 : 1;
}

} // namespace mi::ctl
