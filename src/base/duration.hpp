// A length of time as it is written on a command line.
#pragma once

#include "base/time.hpp"

#include <optional>
#include <string_view>

namespace mi {

// "3s", "500ms", "2min" or "2m", "1h", or a bare number of seconds.
[[nodiscard]] std::optional<Span> span_of(std::string_view text);

} // namespace mi
