// Identifies the mount of an open file or directory. Two mounts can show the same file system, even the same directory
// (a bind mount), and then have the same st_dev: only the mount ID distinguishes them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace mi::os {

struct MountId {
    std::uint64_t device = 0;
    std::optional<std::uint64_t> number; // nullopt: unknown, and `device` must be enough
    bool operator==(const MountId&) const = default;
};

// The mount of a descriptor (O_PATH is enough). Asks statx(2) (Linux 5.8), then name_to_handle_at(2), which some file
// systems do not support, then /proc. nullopt: not even the device is known.
[[nodiscard]] std::optional<MountId> mount_of(int fd);

} // namespace mi::os
