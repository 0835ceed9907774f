// Identifies the open file of a descriptor, as far as the kernel tells.
#pragma once

#include <cstdint>

namespace mi::os {

// The inode of the open file; 0 if it has none, or if the descriptor is not open.
[[nodiscard]] std::uint64_t inode_of(int fd);

// Whether the descriptor is open and has that inode (0: any inode).
[[nodiscard]] bool is_open(int fd, std::uint64_t inode);

} // namespace mi::os
