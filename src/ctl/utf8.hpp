// Texts as characters, and how wide those are on a terminal: without a locale, which a static program does not have.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mi::ctl {

// Length of the UTF-8 character that `text` (not empty) begins with; 0: it does not begin with one.
[[nodiscard]] std::size_t character(std::string_view text);
// The code point of such a character, of that length.
[[nodiscard]] char32_t code_point(std::string_view text, std::size_t size);
// Columns it takes: 0 for one that is drawn over the one before, 2 for those of East Asia and pictures, else 1.
[[nodiscard]] unsigned columns_of(char32_t point);

} // namespace mi::ctl
