#include "logd/directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/directory.hpp"
#include "logd/mend.hpp"
#include "wire/log_format.hpp"
#include "wire/log_pack.hpp"

namespace mi::logd {
namespace {

namespace logs = wire::logs;

std::vector<DirectoryEntry> entries_of(int directory) {
    return list_directory(directory).value_or(std::vector<DirectoryEntry>{});
}

} // namespace

Result<Fd> open_log_directory(const std::string& path) {
    for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
        if (::mkdir(path.substr(0, at).c_str(), 0755) < 0 && errno != EEXIST && errno != EISDIR)
            return fault(errno, "make log directory", path);
        if (at == path.npos)
            break;
    }
    Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory)
        return fault(errno, "open log directory", path);
    if (::faccessat(directory.get(), ".", W_OK | X_OK, AT_EACCESS) < 0)
        return fault(errno, "write to log directory", path);
    return directory;
}

Result<Fd> open_unit_directory(int directory, const std::string& name, bool make) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Fd unit(::openat(directory, name.c_str(), flags));
    if (!unit && errno == ENOENT && make) {
        if (::mkdirat(directory, name.c_str(), 0755) < 0 && errno != EEXIST)
            return fault(errno, "make log directory", name);
        unit = Fd(::openat(directory, name.c_str(), flags));
    }
    if (!unit)
        return fault(errno, "open log directory", name);
    return unit;
}

Result<Current> open_existing(int directory, const std::string& name) {
    constexpr int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    Fd file(::openat(directory, name.c_str(), flags));
    if (!file)
        return fault(errno, "open log file", name);
    auto last = mend_end(file.get());
    if (!last)
        return std::unexpected(last.error());
    return Current{std::move(file), *last};
}

Result<Current> open_current(int directory) {
    constexpr int flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    Fd file(::openat(directory, current_name, flags, 0640));
    struct stat status{};
    if (file ? ::fstat(file.get(), &status) == 0 && !S_ISREG(status.st_mode)
             : errno == ELOOP || errno == ENXIO || errno == EISDIR) {
        // A link, a fifo, a directory: nothing of ours. Kept, under a name that is not read as a log.
        if (::renameat(directory, current_name, directory, "current.not-a-log") < 0)
            return fault(errno, "move away what is no log file", current_name);
        file = Fd(::openat(directory, current_name, flags, 0640));
    }
    if (!file)
        return fault(errno, "open log file", current_name);
    auto last = mend_end(file.get());
    if (!last)
        return std::unexpected(last.error());
    return Current{std::move(file), *last};
}

WallTime first_stamp(int file) {
    char stamp[logs::stamp_size];
    if (::pread(file, stamp, sizeof stamp, 0) != static_cast<ssize_t>(sizeof stamp))
        return {};
    return logs::parse_stamp({stamp, sizeof stamp}).value_or(WallTime{});
}

Result<> rotate(int directory, WallTime now, std::uint32_t keep) {
    const std::vector<Rotated> files = rotated_files(directory);
    if (!files.empty() && files.back().at >= now)
        now = WallTime{files.back().at.micros + 1};
    // The next one is there before this one goes: where no file can be made any more, this one can still grow.
    constexpr const char* next_name = ".next";
    if (Fd next(
            ::openat(directory, next_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640));
        !next)
        return fault(errno, "make log file", next_name);
    // No name is taken: the youngest is older. So a plain rename overwrites nothing, on every file system.
    std::string name = logs::rotated_name(now);
    if (::renameat(directory, current_name, directory, name.c_str()) < 0)
        return fault(errno, "rotate log file", name);
    (void)::renameat(directory, next_name, directory, current_name); // else it is made when it is opened
    std::size_t kept = 1;
    WallTime last = now;
    for (std::size_t i = files.size(); i-- > 0;) {
        kept += files[i].at != last ? 1 : 0; // one in both forms counts once
        last = files[i].at;
        if (kept > keep)
            (void)::unlinkat(directory, files[i].name.c_str(), 0); // tried again with the next rotation
    }
    if (keep == 0)
        (void)::unlinkat(directory, name.c_str(), 0);
    return {};
}

std::vector<Rotated> rotated_files(int directory) {
    std::vector<Rotated> files;
    for (const DirectoryEntry& entry : entries_of(directory))
        if (auto at = logs::parse_rotated_name(entry.name))
            files.push_back({entry.name, *at, false});
        else if (auto packed = logs::parse_packed_name(entry.name))
            files.push_back({entry.name, *packed, true});
    std::sort(files.begin(), files.end(), [](const Rotated& a, const Rotated& b) { return a.name < b.name; });
    return files;
}

void remove_beginning_with(int directory, std::string_view beginning) {
    for (const DirectoryEntry& entry : entries_of(directory))
        if (entry.name.starts_with(beginning))
            (void)::unlinkat(directory, entry.name.c_str(), 0);
}

std::vector<std::string> log_files(int directory) {
    std::vector<std::string> files;
    bool current = false;
    for (const DirectoryEntry& entry : entries_of(directory)) {
        if (logs::parse_rotated_name(entry.name))
            files.push_back(entry.name);
        current = current || entry.name == current_name;
    }
    std::sort(files.begin(), files.end());
    if (current)
        files.emplace_back(current_name);
    return files;
}

std::vector<std::string> unit_directories(int directory) {
    std::vector<std::string> names;
    for (const DirectoryEntry& entry : entries_of(directory))
        if (!entry.hidden() && (entry.type == DT_DIR || entry.type == DT_UNKNOWN))
            names.push_back(entry.name);
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace mi::logd
