// The last log lines of a unit, for `status` and for failures.
#pragma once

#include "ctl/text/terminal.hpp"

#include <string>

namespace mi::ctl {

// Up to `lines` last lines of the unit below `directory`, as `logs` shows them, with `indent` before each. Empty where there
// is no log or it may not be read.
[[nodiscard]] std::string log_tail(const Style& style, const std::string& directory, const std::string& unit,
                                   unsigned lines, const std::string& indent);

// The text of its last line alone, as it was written.
[[nodiscard]] std::string last_words(const std::string& directory, const std::string& unit);

} // namespace mi::ctl
