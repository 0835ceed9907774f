#include "os/file/open_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace mi::os {

// The inode as the kernel has it cached: fstat(2) would ask the server of a remote file, and services hand us files of
// any kind.
std::uint64_t inode_of(int fd) {
    struct statx about{};
    const bool known = fd >= 0 && ::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &about) == 0;
    return known ? about.stx_ino : 0;
}

bool is_open(int fd, std::uint64_t inode) {
    return fd >= 0 && ::fcntl(fd, F_GETFD) >= 0 && (inode == 0 || inode_of(fd) == inode);
}

} // namespace mi::os
