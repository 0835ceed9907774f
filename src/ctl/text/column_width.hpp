// The width of characters on a terminal, without a locale, which a static program does not have.
#pragma once

namespace mi::ctl {

// The number of columns: 0 for a combining character, 2 for East Asian characters and pictures, else 1.
[[nodiscard]] unsigned columns_of(char32_t point);

} // namespace mi::ctl
