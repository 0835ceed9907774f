// UTF-8 (RFC 3629) without a locale, which a static program does not have.
#pragma once

#include <cstddef>
#include <string_view>

namespace mi {

// The length of the UTF-8 character at the start of `text` (not empty). 0: it does not start with a valid character (a
// stray or cut off byte, an overlong form, a surrogate, above U+10FFFF).
[[nodiscard]] std::size_t character(std::string_view text);

// The code point of the character of `size` bytes at the start of `text`.
[[nodiscard]] char32_t code_point(std::string_view text, std::size_t size);

// The number of bytes at the front of `text` that are valid UTF-8; its whole size if all are.
[[nodiscard]] std::size_t valid_utf8(std::string_view text);

// At most the first `most` bytes of `text`, without splitting a character.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t most);

} // namespace mi
