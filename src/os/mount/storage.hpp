// Decides what to do with each mount at shutdown. Pure, so that any machine can test it. Private to the last stage.
#pragma once

#include "os/mount/mounts.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// Whether a file system of this type holds no data that could be lost: kernel interfaces, memory, read-only images.
[[nodiscard]] bool is_virtual(std::string_view type);

// Whether `path` is the mount point or below it.
[[nodiscard]] bool lies_on(std::string_view path, const Mount& mount);
// The mount on which `path` lies; null: none.
[[nodiscard]] const Mount* mount_of(std::string_view path, const std::vector<Mount>& mounts);

// The mounts to unmount, innermost first: all except the root, the API mounts (/proc, /sys, /dev with the kernel's
// mounts below them, and /run) and, if `kept` is not empty, the mount on which it lies.
[[nodiscard]] std::vector<Mount> to_unmount(const std::vector<Mount>& mounts, std::string_view kept = {});

// The mounts that could still lose data and must become read-only, innermost first. The root is the last.
[[nodiscard]] std::vector<Mount> to_make_read_only(const std::vector<Mount>& mounts);

// The swap areas in the text of /proc/swaps (proc_swaps(5)).
[[nodiscard]] std::vector<std::string> swap_areas(std::string_view text);

} // namespace mi::os
