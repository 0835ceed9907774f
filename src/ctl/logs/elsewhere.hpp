// Where a service writes besides its log here: many daemons have files of their own.
#pragma once

#include "ctl/context.hpp"

#include <string>
#include <vector>

namespace mi::ctl {

// Files below /var/log that the main process of the unit has open, as far as we may look; else what is called like the unit there.
[[nodiscard]] std::vector<std::string> other_logs(const Context& context, const std::string& unit);

} // namespace mi::ctl
