// Deciding what to do with each mount at the end: pure, so that it can be tested anywhere. Private to the last stage.
#pragma once

#include "os/mount/mounts.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// Holds nothing that could be lost: the kernel's own interfaces, and memory.
[[nodiscard]] bool is_virtual(std::string_view type);

// Whether `path` is that mount's point, or below it.
[[nodiscard]] bool lies_on(std::string_view path, const Mount& mount);
// The one that `path` lies on; null where there is none.
[[nodiscard]] const Mount* mount_of(std::string_view path, const std::vector<Mount>& mounts);

// What to unmount, innermost first: everything but the root, the API mounts (/proc, /sys, /dev and what of the kernel's
// is below them, /run) and, where it is not empty, whatever `kept` lies on.
[[nodiscard]] std::vector<Mount> to_unmount(const std::vector<Mount>& mounts, std::string_view kept = {});

// What still could lose data, innermost first: to be made read-only. The root is the last.
[[nodiscard]] std::vector<Mount> to_make_read_only(const std::vector<Mount>& mounts);

// The swap areas in the text of /proc/swaps.
[[nodiscard]] std::vector<std::string> swap_areas(std::string_view text);

} // namespace mi::os
