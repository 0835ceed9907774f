// Shell patterns (glob(7)): `*`, `?` and `[…]`.
#pragma once

#include <string_view>

namespace mi {

// Whether `name` matches the pattern, as a whole. A slash is a letter like others. A `[` without its end stands for itself.
[[nodiscard]] bool matches_pattern(std::string_view name, std::string_view pattern);

// Whether there is anything in the text that makes it a pattern.
[[nodiscard]] constexpr bool has_wildcard(std::string_view text) { return text.find_first_of("*?[") != text.npos; }

} // namespace mi
