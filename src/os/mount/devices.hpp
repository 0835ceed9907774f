// Block devices that stand on others: loop and device-mapper. Private to the last stage.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// The loop and device-mapper devices there are, as /sys/block calls them, but those on which one of these sources of
// mounts ("/dev/mapper/root") stands.
[[nodiscard]] std::vector<std::string> stacked_devices(const std::vector<std::string>& in_use);

// Detaches one, if nobody uses it. May hang: call it in a child.
bool detach(const std::string& name);

} // namespace mi::os
