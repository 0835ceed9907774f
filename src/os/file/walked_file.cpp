// Walks to the directory, then makes the system calls that take a directory descriptor.
#include "os/file/walked_file.hpp"

#include "os/file/runtime.hpp"

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
    case EXDEV: doing = "touch what may hang"; break;
    default: break;
    }
    return fault(code, doing, path);
}

// The same for a path that must name a file, and not by its form a directory (`a/`).
Result<WalkedFile> find_file(const std::string& path, MountJudge* judge) {
    Result<WalkedFile> file = WalkedFile::find(path, judge);
    if (file && std::string_view(file->name()) == ".")
        return fault(EISDIR, "use as a file", path);
    return file;
}

} // namespace

Result<WalkedFile> WalkedFile::find(const std::string& path, MountJudge* judge) {
    Walked found;
    MountJudge none(nullptr);
    if (const long code = (judge != nullptr ? *judge : none).walk(path, found, {.last = LastLink::meant}); code < 0)
        return walk_fault(code, "reach", path);
    return WalkedFile(Fd(found.directory), found.name, found.others_can_mount);
}

Result<Fd> WalkedFile::look(MountJudge* judge) const {
    MountJudge none(nullptr);
    const long fd = (judge != nullptr ? *judge : none)
                        .open(name_, O_PATH, {.any_link = true, .last = LastLink::meant}, directory());
    if (fd < 0)
        return fault(static_cast<int>(-fd), "look at", name_);
    return Fd(static_cast<int>(fd));
}

Result<> write_walked_file(const std::string& path, std::string_view text, MountJudge* judge) {
    Result<WalkedFile> file = find_file(path, judge);
    if (!file)
        return std::unexpected(file.error());
    return write_atomically_at(file->directory(), file->name(), text, 0644, path, Durable::no);
}

Result<> remove_walked_file(const std::string& path, MountJudge* judge) {
    Result<WalkedFile> file = find_file(path, judge);
    if (!file && file.error().code != ENOENT)
        return std::unexpected(file.error());
    if (file && ::unlinkat(file->directory(), file->name(), 0) != 0 && errno != ENOENT)
        return fault(errno, "remove", path);
    return {};
}

Result<> make_walked_parents(const std::string& path, MountJudge* judge) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const std::string parent = path.substr(0, slash);
        Result<WalkedFile> above = WalkedFile::find(parent, judge);
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
