// The walk, and then the calls that take a directory's descriptor.
#include "os/walked_file.hpp"

#include "os/runtime.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace mi::os {
namespace {

std::unexpected<Fault> walk_fault(long result, std::string_view doing, const std::string& path) {
    const int code = static_cast<int>(-result);
    switch (code) {
    case ELOOP: doing = "follow a link that others could have made"; break;
    case EPERM: doing = "go up from where others can write"; break;
    case EMLINK: doing = "use a file that has another name, too"; break;
    default: break;
    }
    return fault(code, doing, path);
}

} // namespace

Result<WalkedFile> WalkedFile::find(const std::string& path) {
    Walked found;
    if (const long code = walk(AT_FDCWD, path.c_str(), found, LastLink::meant); code < 0)
        return walk_fault(code, "reach", path);
    return WalkedFile(Fd(found.directory), found.name, found.way_can_change);
}

Result<Fd> open_walked_file(const std::string& path, int flags, mode_t mode, LastLink last) {
    const long fd = open_walked(AT_FDCWD, path.c_str(), flags, mode, last);
    if (fd < 0)
        return walk_fault(fd, "open", path);
    return Fd(static_cast<int>(fd));
}

Result<> write_walked_file(const std::string& path, std::string_view text, mode_t mode) {
    Result<WalkedFile> file = WalkedFile::find(path);
    if (!file)
        return std::unexpected(file.error());
    return write_atomically_at(file->directory(), file->name(), text, mode, path);
}

Result<> remove_walked_file(const std::string& path) {
    Result<WalkedFile> file = WalkedFile::find(path);
    if (!file && file.error().code != ENOENT)
        return std::unexpected(file.error());
    if (file && ::unlinkat(file->directory(), file->name(), 0) != 0 && errno != ENOENT)
        return fault(errno, "remove", path);
    return {};
}

Result<> make_walked_parents(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const std::string parent = path.substr(0, slash);
        Result<WalkedFile> above = WalkedFile::find(parent);
        if (!above)
            return std::unexpected(above.error());
        if (::mkdirat(above->directory(), above->name(), 0755) != 0 && errno != EEXIST && errno != EROFS &&
            errno != EACCES)
            return fault(errno, "make directory", parent);
    }
    return {};
}

Result<WorkingDirectory> WorkingDirectory::enter(int directory) {
    Fd before(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!before)
        return fault(errno, "open", "the working directory");
    if (::fchdir(directory) != 0)
        return fault(errno, "enter", "the directory");
    return WorkingDirectory(std::move(before));
}

WorkingDirectory::~WorkingDirectory() {
    if (before_ && ::fchdir(before_.get()) != 0 && ::chdir("/") != 0)
        std::abort();
}

} // namespace mi::os
