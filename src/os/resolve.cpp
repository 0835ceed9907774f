// Finding programs, and the words for those that could not be started.
#include "base/text.hpp"
#include "os/mounts.hpp"
#include "os/spawn/spawn.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

namespace mi::os {

std::string SpawnFault::text() const {
    std::string line(name(step));
    line += ": ";
    line += Fault{code, {}, {}}.text().substr(2);
    if (!about.empty())
        line += " (" + about + ")";
    return line;
}

// 0, or why it cannot be executed by us. `path` is as seen from `root`.
static int executable(const std::string& seen, std::string_view root, std::optional<HangingMounts>& mounts) {
    std::string path = mounts ? std::string(root) + mounts->real_path(seen, root) : seen;
    struct stat about{};
    if (::stat(path.c_str(), &about) != 0)
        return errno == ENOTDIR ? ENOENT : errno;
    if (!S_ISREG(about.st_mode))
        return EACCES;
    return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

Result<std::string> resolve_program(std::string_view name, std::string_view search, std::string_view root) {
    if (name.empty())
        return fault(ENOENT, "find program");
    std::optional<HangingMounts> mounts;
    if (!root.empty())
        mounts.emplace();
    if (name.find('/') != std::string_view::npos) {
        std::string path(name);
        if (int code = executable(path, root, mounts); code != 0)
            return fault(code == ENOENT || code == ENAMETOOLONG || code == ELOOP ? ENOENT : EACCES, "execute", path);
        return path;
    }
    int worst = ENOENT;
    for (std::string_view directory : split(search, ':')) {
        std::string path(directory.empty() ? std::string_view(".") : directory);
        path += '/';
        path += name;
        int code = executable(path, root, mounts);
        if (code == 0)
            return path;
        if (code == EACCES || code == EPERM)
            worst = EACCES;
    }
    return fault(worst, "find program", std::string(name));
}

} // namespace mi::os
