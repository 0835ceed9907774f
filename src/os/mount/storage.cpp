// Decides which mounts to unmount or make read-only and which swap to turn off, and in which order. release.cpp does
// it.
#include "os/mount/storage.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace mi::os {

bool is_virtual(std::string_view type) {
    constexpr std::string_view types[] = {"proc",     "sysfs",     "devtmpfs",    "devpts",     "tmpfs",   "ramfs",
                                          "rootfs",   "cgroup",    "cgroup2",     "securityfs", "debugfs", "tracefs",
                                          "pstore",   "bpf",       "configfs",    "mqueue",     "fusectl", "hugetlbfs",
                                          "efivarfs", "selinuxfs", "binfmt_misc", "rpc_pipefs", "nsfs",    "squashfs",
                                          "iso9660",  "erofs",     "cramfs",      "autofs"};
    return std::ranges::find(types, type) != std::end(types);
}

static bool is_api(const Mount& mount) {
    for (std::string_view point : {"/proc", "/sys", "/dev", "/run"}) {
        if (mount.point == point)
            return true;
        bool below = mount.point.starts_with(point) && mount.point[point.size()] == '/';
        if (below && point != "/run" && is_virtual(mount.type))
            return true;
    }
    return false;
}

bool lies_on(std::string_view path, const Mount& mount) {
    return mount.point == "/" ||
           (path.starts_with(mount.point) && (path.size() == mount.point.size() || path[mount.point.size()] == '/'));
}

const Mount* mount_of(std::string_view path, const std::vector<Mount>& mounts) {
    const Mount* found = nullptr;
    for (const Mount& mount : mounts)
        if (lies_on(path, mount) && (found == nullptr || mount.point.size() >= found->point.size()))
            found = &mount;
    return found;
}

std::vector<Mount> to_unmount(const std::vector<Mount>& mounts, std::string_view kept) {
    std::vector<Mount> chosen;
    for (const Mount& mount : mounts)
        if (mount.point != "/" && !is_api(mount) && (kept.empty() || !lies_on(kept, mount)))
            chosen.push_back(mount);
    std::ranges::reverse(chosen); // the last mount made is the innermost
    return chosen;
}

std::vector<Mount> to_make_read_only(const std::vector<Mount>& mounts) {
    std::vector<Mount> chosen;
    for (const Mount& mount : mounts)
        if (!mount.read_only && !is_virtual(mount.type))
            chosen.push_back(mount);
    std::ranges::reverse(chosen);
    std::ranges::stable_partition(chosen, [](const Mount& mount) { return mount.point != "/"; });
    return chosen;
}

std::vector<std::string> swap_areas(std::string_view text) {
    std::vector<std::string> areas;
    for (std::string_view line : split(text, '\n')) {
        std::string_view path = line.substr(0, line.find_first_of(" \t"));
        if (path.starts_with('/'))
            areas.emplace_back(path);
    }
    return areas;
}

} // namespace mi::os
