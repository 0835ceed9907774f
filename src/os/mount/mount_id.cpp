#include "os/mount/mount_id.hpp"

#include "base/text.hpp"
#include "os/file/runtime.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <string>

namespace mi::os {
namespace {

std::optional<std::uint64_t> by_handle(int fd) {
    file_handle none{}; // even without room for the handle the kernel returns the mount
    int mount = 0;
    if (::name_to_handle_at(fd, "", &none, &mount, AT_EMPTY_PATH) == 0 || errno == EOVERFLOW)
        return static_cast<std::uint64_t>(mount);
    return std::nullopt;
}

std::optional<std::uint64_t> by_procfs(int fd) {
    constexpr std::string_view key = "mnt_id:";
    const std::string text = read_file("/proc/self/fdinfo/" + std::to_string(fd)).value_or("");
    for (std::string_view line : split(text, '\n'))
        if (line.starts_with(key))
            return to_number<std::uint64_t>(trim(line.substr(key.size())));
    return std::nullopt;
}

} // namespace

std::optional<MountId> mount_of(int fd) {
    struct statx about{};
    if (::statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_MNT_ID, &about) != 0)
        return std::nullopt;
    MountId id{makedev(about.stx_dev_major, about.stx_dev_minor), std::nullopt};
    if ((about.stx_mask & STATX_MNT_ID) != 0)
        id.number = about.stx_mnt_id;
    else if (id.number = by_handle(fd); !id.number)
        id.number = by_procfs(fd);
    return id;
}

} // namespace mi::os
