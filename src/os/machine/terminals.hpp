// Writing to the terminals of the people who are logged in, without ever waiting for one of them.
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// The terminals that a utmp file's `contents` say somebody is logged in at, as names below /dev, each once. A name that
// leads elsewhere is left out.
[[nodiscard]] std::vector<std::string> terminals_in_use(std::string_view contents);

// Begins to write `text` to every terminal that somebody is logged in at; where no utmp file tells, to every
// pseudo-terminal there is. A child does it, which gives up on terminals that take nothing; its PID.
[[nodiscard]] Result<pid_t> write_to_terminals(const std::string& text);

} // namespace mi::os
