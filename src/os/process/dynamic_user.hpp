// Users without an account: made up for a service, as long as the system runs (systemd's DynamicUser=).
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace mi::os {

// The numbers that are kept free for such users and groups, as by systemd.
constexpr uid_t first_dynamic_user = 61184, last_dynamic_user = 65519;

// The number of the user `name`, which the name gives: it is the same at each boot, so that what it owns stays its own. A link in
// `directory` (made if it is missing), NUMBER to NAME, says whose a number is. Fault EBUSY: it is another name's
// already.
[[nodiscard]] Result<uid_t> dynamic_user(const std::string& directory, std::string_view name);

} // namespace mi::os
