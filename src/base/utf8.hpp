// Texts as characters: what is UTF-8, and what is none. Without a locale, which a static program does not have.
#pragma once

#include <cstddef>
#include <string_view>

namespace mi {

// Length of the UTF-8 character that `text` (not empty) begins with. 0: it does not begin with one (a byte that stands by
// itself, one that is cut off, an overlong form, a surrogate, beyond U+10FFFF).
[[nodiscard]] std::size_t character(std::string_view text);

// The code point of such a character, of that length.
[[nodiscard]] char32_t code_point(std::string_view text, std::size_t size);

// How many bytes at the front of `text` are UTF-8; its size, where all of it is.
[[nodiscard]] std::size_t valid_utf8(std::string_view text);

// The front of `text`, at most `most` bytes of it, and no character in parts.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t most);

} // namespace mi
