// The last log lines of a unit, for `status` and for failures.
#pragma once

#include "base/time.hpp"
#include "ctl/text/terminal.hpp"

#include <optional>
#include <string>

namespace mi::ctl {

// Up to `lines` last lines of the unit below `directory`, as `logs` shows them, with `indent` before each; with `since` none that
// are older. Empty where there is no log or it may not be read.
[[nodiscard]] std::string log_tail(const Style& style, const std::string& directory, const std::string& unit,
                                   unsigned lines, const std::string& indent, std::optional<WallTime> since = {});

// The text of its last line alone, as it was written.
[[nodiscard]] std::string last_words(const std::string& directory, const std::string& unit);

} // namespace mi::ctl
