// Whether anybody has to look whether what `[await]` of a unit names is there.
#pragma once

#include "core/record.hpp"
#include "core/unit.hpp"

namespace mi::core {

// True: the unit waits for it, or stops when it goes. Events all_there and something_missing of other units change nothing.
[[nodiscard]] bool awaits_presence(const Unit& unit, const Record& record);

} // namespace mi::core
