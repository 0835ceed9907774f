// Which mount an open file or directory is in. Two mounts can show the same file system, even the same directory (a bind
// mount), and then have the same st_dev: only this tells them apart.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace mi::os {

struct MountId {
    std::uint64_t device = 0;
    std::optional<std::uint64_t> number; // none: nobody could tell, and the device has to do
    bool operator==(const MountId&) const = default;
};

// Of a descriptor, for which O_PATH is enough. Asks statx(2) (Linux 5.8), then name_to_handle_at(2), which not every file
// system knows, then /proc. Nothing: not even the device could be told.
[[nodiscard]] std::optional<MountId> mount_of(int fd);

} // namespace mi::os
