#include "base/directory.hpp"

#include "base/fd.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

namespace mi {

namespace {

struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
};

Result<std::vector<DirectoryEntry>> list(Fd directory, std::string about) {
    std::unique_ptr<DIR, Close> stream(directory ? ::fdopendir(directory.get()) : nullptr);
    if (!stream)
        return fault(errno, "open", std::move(about));
    (void)directory.release(); // the stream closes it
    std::vector<DirectoryEntry> entries;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
        if (std::string_view name = entry->d_name; name != "." && name != "..")
            entries.push_back({std::string(name), entry->d_type});
        errno = 0;
    }
    if (errno != 0)
        return fault(errno, "read", std::move(about));
    return entries;
}

} // namespace

Result<std::vector<DirectoryEntry>> list_directory(const std::string& path) {
    return list(Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC)), path);
}

Result<std::vector<DirectoryEntry>> list_directory(int directory, std::string about) {
    return list(Fd(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), std::move(about));
}

} // namespace mi
