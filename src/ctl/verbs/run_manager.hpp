// Starts the manager of a user who has none, at the first `minictl run`, so that the user need not know about it.
#pragma once

#include "ctl/context.hpp"

namespace mi::ctl {

// Starts `miniinit --user` detached from this terminal, and waits until it answers.
[[nodiscard]] std::expected<Client, Failure> start_user_manager(const Context& context);

} // namespace mi::ctl
