// Block devices that stand on others: loop and device-mapper. Private to the last stage.
#pragma once

#include <cstddef>

namespace mi::os {

// Detaches every loop and device-mapper device that is not in use. How many were. May hang: call it in a child.
std::size_t detach_devices();

} // namespace mi::os
