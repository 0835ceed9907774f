// Who may read the files that we write.
#pragma once

#include "base/result.hpp"
#include "config/load.hpp"

namespace mi::ctl {

// Gives the open file, which is ours, the mode 0644, or as much of it as `rights` (those of what it was made from) leave.
// Where the group's rights cannot be given to that very group, no group gets them.
[[nodiscard]] Result<> set_rights(int fd, const config::Rights& rights);

} // namespace mi::ctl
