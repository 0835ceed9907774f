// Starting the manager of a user who has none: by the first `minictl run`, so that nobody has to know of it.
#pragma once

#include "ctl/context.hpp"

namespace mi::ctl {

// Starts `miniinit --user`, apart from this terminal, and waits until it can be spoken to.
[[nodiscard]] std::expected<Client, Failure> start_user_manager(const Context& context);

} // namespace mi::ctl
