// A root file system without the directories of the first mounts, which cannot be made in it.
#include "base/directory.hpp"
#include "base/fd.hpp"
#include "os/machine/system.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace mi::os {

namespace {

constexpr const char* points[] = {"/proc", "/sys", "/dev", "/run"};
constexpr const char* lower = "/.lower"; // where the old root is, until all of it is bound

// One that is not there is made. On a file system that cannot be written EEXIST has precedence.
bool lacks(const char* point) { return ::mkdir(point, 0755) != 0 && errno == EROFS; }

// An entry of the old root, in the new one.
bool carry_over(const std::string& name) {
    const std::string from = std::string(lower) + "/" + name, to = "/" + name;
    struct stat about{};
    if (::lstat(from.c_str(), &about) != 0)
        return false;
    if (S_ISLNK(about.st_mode)) {
        char target[PATH_MAX];
        const ssize_t size = ::readlink(from.c_str(), target, sizeof target - 1);
        return size > 0 && (target[size] = 0, ::symlink(target, to.c_str()) == 0);
    }
    const bool made = S_ISDIR(about.st_mode)
                          ? ::mkdir(to.c_str(), 0755) == 0
                          : static_cast<bool>(Fd(::open(to.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
    return made && ::mount(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0;
}

} // namespace

Result<bool> complete_root() {
    if (std::ranges::none_of(points, lacks))
        return false;
    auto entries = list_directory("/");
    if (!entries)
        return std::unexpected(entries.error());
    // Any directory will do as a mount point: nothing is seen through it before it is the root.
    const auto is_directory = [](const DirectoryEntry& entry) {
        struct stat about{};
        return ::lstat(("/" + entry.name).c_str(), &about) == 0 && S_ISDIR(about.st_mode);
    };
    const auto place = std::ranges::find_if(*entries, is_directory);
    if (place == entries->end())
        return fault(ENOENT, "find a directory in", "/");
    const std::string point = "/" + place->name;
    if (::mount("root", point.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4M") != 0)
        return fault(errno, "mount a root in memory at", point);
    if (::chdir(point.c_str()) != 0 || ::mkdir(lower + 1, 0755) != 0 ||
        ::syscall(SYS_pivot_root, ".", lower + 1) != 0 || ::chroot(".") != 0 || ::chdir("/") != 0)
        return fault(errno, "go on in a root in memory", {});
    Result<bool> outcome = true;
    for (const DirectoryEntry& entry : *entries)
        if (!carry_over(entry.name))
            outcome = fault(errno, "bind into the root in memory", entry.name);
    for (const char* missing : points)
        (void)::mkdir(missing, 0755);
    if (::umount2(lower, MNT_DETACH) == 0) // what is bound stays
        (void)::rmdir(lower);
    return outcome;
}

} // namespace mi::os
