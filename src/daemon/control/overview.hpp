// What the init is doing as a whole, for `minictl status` and for metrics.
#pragma once

#include "daemon/parts.hpp"

#include <optional>

namespace mi::daemon {

[[nodiscard]] wire::Overview overview_of(const Parts& parts);

// What is said of a scheduled end.
[[nodiscard]] std::optional<wire::ScheduledShutdown> told(const Parts& parts, const std::optional<ScheduledEnd>& end);

} // namespace mi::daemon
