#include "os/open_file.hpp"

#include <sys/stat.h>

namespace mi::os {

std::uint64_t inode_of(int fd) {
    struct stat about{};
    return fd >= 0 && ::fstat(fd, &about) == 0 ? about.st_ino : 0;
}

bool is_open(int fd, std::uint64_t inode) {
    struct stat about{};
    return fd >= 0 && ::fstat(fd, &about) == 0 && (inode == 0 || about.st_ino == inode);
}

} // namespace mi::os
