// Whether the machine runs on mains power: sysfs, class power_supply.
#pragma once

#include <string>

namespace mi::os {

/// False where all that could feed the machine is offline, or only batteries are there. A machine that tells nothing is on
/// mains. `directory`: where the kernel shows its power supplies.
[[nodiscard]] bool on_mains(const std::string& directory = "/sys/class/power_supply");

} // namespace mi::os
