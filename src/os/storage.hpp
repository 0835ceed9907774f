// Deciding what to do with each mount at the end: pure, so that it can be tested anywhere. Private to the last stage.
#pragma once

#include "os/mounts.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// Holds nothing that could be lost: the kernel's own interfaces, and memory.
[[nodiscard]] bool is_virtual(std::string_view type);

// What to unmount, innermost first: everything but the root and the API mounts (/proc, /sys, /dev and what of the
// kernel's is below them, /run).
[[nodiscard]] std::vector<Mount> to_unmount(const std::vector<Mount>& mounts);

// What still could lose data, innermost first: to be made read-only. The root is the last.
[[nodiscard]] std::vector<Mount> to_make_read_only(const std::vector<Mount>& mounts);

// The swap areas in the text of /proc/swaps.
[[nodiscard]] std::vector<std::string> swap_areas(std::string_view text);

} // namespace mi::os
