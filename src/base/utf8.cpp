#include "base/utf8.hpp"

namespace mi {

std::size_t character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80)
        return 1;
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size)
        return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80)
            return 0;
    // Overlong forms, surrogates, and code points above U+10FFFF.
    const auto second = static_cast<unsigned char>(text[1]);
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

std::size_t valid_utf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t size = character(text.substr(at));
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

std::string_view cut_text(std::string_view text, std::size_t most) {
    if (text.size() <= most)
        return text;
    // Go back to the start of a character that the cut would split.
    std::size_t at = most;
    while (at > 0 && most - at < 3 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80)
        --at;
    return text.substr(0, at < most && character(text.substr(at)) > most - at ? at : most);
}

} // namespace mi
