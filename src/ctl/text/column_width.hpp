// How wide characters are on a terminal: without a locale, which a static program does not have.
#pragma once

namespace mi::ctl {

// Columns it takes: 0 for one that is drawn over the one before, 2 for those of East Asia and pictures, else 1.
[[nodiscard]] unsigned columns_of(char32_t point);

} // namespace mi::ctl
