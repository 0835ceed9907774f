// Sets the permissions of files that we write.
#pragma once

#include "base/result.hpp"
#include "config/load.hpp"

namespace mi::ctl {

// Sets the mode of an open file of ours to 0644, limited by `rights` (those of the source files). If the file cannot be
// given to the group of `rights`, no group gets access.
[[nodiscard]] Result<> set_rights(int fd, const config::Rights& rights);

} // namespace mi::ctl
