// Which open file a descriptor stands for, as far as the kernel tells.
#pragma once

#include <cstdint>

namespace mi::os {

// Its inode; 0 where there is none, or no such descriptor.
[[nodiscard]] std::uint64_t inode_of(int fd);

// Whether the descriptor is open, and of that inode (0: of any).
[[nodiscard]] bool is_open(int fd, std::uint64_t inode);

} // namespace mi::os
