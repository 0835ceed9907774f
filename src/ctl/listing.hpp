// The init's list of units, put together from its portions.
#pragma once

#include "ctl/client.hpp"

#include <expected>

namespace mi::ctl {

// By name. In portions: a list of thousands needs no room at the other end.
[[nodiscard]] std::expected<wire::Units, Failure> list_of(Client& client, const wire::List& request);

} // namespace mi::ctl
