// Gets the init's list of units in several parts.
#pragma once

#include "ctl/client.hpp"

#include <expected>

namespace mi::ctl {

// Sorted by name. In parts, so that a list of thousands takes little memory in the init.
[[nodiscard]] std::expected<wire::Units, Failure> list_of(Client& client, const wire::List& request);

} // namespace mi::ctl
