// Finding programs, and the words for those that could not be started.
#include "base/text.hpp"
#include "os/spawn.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace mi::os {

std::string SpawnFault::text() const {
    std::string line(name(step));
    line += ": ";
    line += Fault{code, {}, {}}.text().substr(2);
    if (!about.empty())
        line += " (" + about + ")";
    return line;
}

// 0, or why it cannot be executed by us.
static int executable(const std::string& path) {
    struct stat about{};
    if (::stat(path.c_str(), &about) != 0)
        return errno == ENOTDIR ? ENOENT : errno;
    if (!S_ISREG(about.st_mode))
        return EACCES;
    return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

Result<std::string> resolve_program(std::string_view name, std::string_view search) {
    if (name.empty())
        return fault(ENOENT, "find program");
    if (name.find('/') != std::string_view::npos) {
        std::string path(name);
        if (int code = executable(path); code != 0)
            return fault(code == ENOENT || code == ENAMETOOLONG || code == ELOOP ? ENOENT : EACCES, "execute", path);
        return path;
    }
    int worst = ENOENT;
    for (std::string_view directory : split(search, ':')) {
        std::string path(directory.empty() ? std::string_view(".") : directory);
        path += '/';
        path += name;
        int code = executable(path);
        if (code == 0)
            return path;
        if (code == EACCES || code == EPERM)
            worst = EACCES;
    }
    return fault(worst, "find program", std::string(name));
}

} // namespace mi::os
