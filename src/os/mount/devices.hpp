// Block devices that are built on others: loop and device-mapper. Private to the last stage.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// The loop and device-mapper devices that exist, named as in /sys/block, except those that one of the mount sources in
// `in_use` ("/dev/mapper/root") is built on.
[[nodiscard]] std::vector<std::string> stacked_devices(const std::vector<std::string>& in_use);

// Detaches a device that is not in use. May hang: call it in a child.
bool detach(const std::string& name);

} // namespace mi::os
