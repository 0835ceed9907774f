// `minictl enable`, `disable`, `mask` and `unmask`: they make links, so that they also work on a root file system that
// is not running.
#include "base/fd.hpp"
#include "config/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace mi::config {

namespace {

// Opens `name` in `parent`, and first makes it if it is missing. Below a root, a link in its place is not followed,
// because it could lead outside.
Result<Fd> open_or_make(const Fd& parent, const char* name, const std::string& path, bool follow) {
    if (::mkdirat(parent.get(), name, 0755) != 0 && errno != EEXIST)
        return fault(errno, "make directory", path);
    Fd fd(::openat(parent.get(), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)));
    if (!fd)
        return fault(errno, "open", path);
    return fd;
}

// Makes every missing directory of `path` below `base`, and opens the last one.
Result<Fd> make_path(const std::string& base, const std::string& path, bool follow) {
    Fd at(::open(base.empty() ? "/" : base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!at)
        return fault(errno, "open", base);
    std::string so_far = base;
    for (std::size_t start = 0; start < path.size();) {
        std::size_t end = std::min(path.find('/', start), path.size());
        std::string part = path.substr(start, end - start);
        start = end + 1;
        if (part.empty() || part == ".")
            continue;
        so_far += '/' + part;
        Result<Fd> next = open_or_make(at, part.c_str(), so_far, follow);
        if (!next)
            return next;
        at = std::move(*next);
    }
    return at;
}

// Opens the first directory of the source, and makes it if it is missing.
Result<Fd> admin_directory(const Source& source) {
    const std::string& path = source.directories.front();
    const bool relative = source.root.empty() && !path.starts_with('/');
    return make_path(relative ? "." : source.root, path, source.root.empty());
}

} // namespace

Result<bool> set_enabled(const Source& source, std::string_view name, bool enabled) {
    std::string unit(name);
    if (!name_fault(name).empty())
        return fault(EINVAL, "switch", unit);
    std::string admin = source.root + source.directories.front();
    Result<Fd> directory = admin_directory(source);
    if (!directory)
        return std::unexpected(directory.error());
    const char* to = enabled ? "enabled" : "disabled";
    const char* from = enabled ? "disabled" : "enabled";
    bool changed = false;
    Result<Fd> links = open_or_make(*directory, to, admin + '/' + to, false);
    if (!links)
        return std::unexpected(links.error());
    // Only the name of the link matters; its target is the unit's file because people expect that.
    std::string target = "../" + unit + ".toml";
    if (::symlinkat(target.c_str(), links->get(), unit.c_str()) == 0)
        changed = true;
    else if (errno != EEXIST)
        return fault(errno, "make link", admin + '/' + to + '/' + unit);
    for (const std::string& other : {unit, unit + ".toml"}) {
        if (::unlinkat(directory->get(), (std::string(from) + '/' + other).c_str(), 0) == 0)
            changed = true;
        else if (errno != ENOENT)
            return fault(errno, "remove link", admin + '/' + from + '/' + other);
    }
    return changed;
}

Result<bool> set_masked(const Source& source, std::string_view name, bool masked) {
    const std::string file = std::string(name) + ".toml", path = source.root + source.directories.front() + '/' + file;
    if (!name_fault(name).empty())
        return fault(EINVAL, "mask", std::string(name));
    Result<Fd> directory = admin_directory(source);
    if (!directory)
        return std::unexpected(directory.error());
    char target[16];
    const ssize_t length = ::readlinkat(directory->get(), file.c_str(), target, sizeof target);
    const bool is_mask = length > 0 && std::string_view(target, static_cast<std::size_t>(length)) == "/dev/null";
    if (length < 0 && errno != ENOENT && errno != EINVAL)
        return fault(errno, "look at", path);
    const bool is_there = length >= 0 || errno == EINVAL;
    if (masked == is_mask || (!masked && !is_there))
        return false;
    if (!masked && !is_mask)
        return false; // the file is a unit and no mask
    if (masked && is_there)
        return fault(EEXIST, "mask", path);
    if (masked && ::symlinkat("/dev/null", directory->get(), file.c_str()) != 0)
        return fault(errno, "make link", path);
    if (!masked && ::unlinkat(directory->get(), file.c_str(), 0) != 0)
        return fault(errno, "remove link", path);
    return true;
}

} // namespace mi::config
