// Writes to the terminals of logged-in users, and never waits for one of them.
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// The terminals with a logged-in user according to the `contents` of a utmp file (utmp(5)), as names below /dev, each
// once. A name that leaves /dev is skipped.
[[nodiscard]] std::vector<std::string> terminals_in_use(std::string_view contents);

// Starts to write `text` to every terminal with a logged-in user; without a utmp file, to every pseudo-terminal. A
// child does it, and gives up on terminals that accept nothing. Returns the PID of the child.
[[nodiscard]] Result<pid_t> write_to_terminals(const std::string& text);

} // namespace mi::os
