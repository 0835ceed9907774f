// The last log lines of a unit, for `status` and for failures.
#pragma once

#include "base/time.hpp"
#include "ctl/text/terminal.hpp"

#include <optional>
#include <string>

namespace mi::ctl {

// At most the last `lines` lines of the unit's log below `directory`, formatted as by `logs`, with `indent` before
// each; with `since` only newer ones. Empty if there is no log or we may not read it.
[[nodiscard]] std::string log_tail(const Style& style, const std::string& directory, const std::string& unit,
                                   unsigned lines, const std::string& indent, std::optional<WallTime> since = {});

// The text of the last line, unchanged.
[[nodiscard]] std::string last_words(const std::string& directory, const std::string& unit);

} // namespace mi::ctl
