#include "ctl/verbs/rights.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace mi::ctl {

Result<> set_rights(int fd, const config::Rights& rights) {
    struct stat about{};
    if (::fstat(fd, &about) != 0)
        return fault(errno, "look at", "the new file");
    mode_t mode = rights.mode & 0644;
    if ((mode & S_IRGRP) == 0) // its members would now count as others
        mode &= ~static_cast<mode_t>(S_IROTH);
    const bool same = rights.group == config::Rights::any_group || rights.group == about.st_gid;
    if ((mode & S_IROTH) == 0 && (mode & S_IRGRP) != 0 && !same &&
        ::fchown(fd, static_cast<uid_t>(-1), rights.group) != 0)
        mode &= ~static_cast<mode_t>(S_IRGRP);
    if (::fchmod(fd, mode) != 0)
        return fault(errno, "set the mode of", "the new file");
    return {};
}

} // namespace mi::ctl
