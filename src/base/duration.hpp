// Parses a duration on a command line.
#pragma once

#include "base/time.hpp"

#include <optional>
#include <string_view>

namespace mi {

// "3s", "500ms", "2min" or "2m", "1h", or a number of seconds without a unit. nullopt: no such duration.
[[nodiscard]] std::optional<Span> span_of(std::string_view text);

} // namespace mi
