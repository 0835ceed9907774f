// `minictl enable` and `disable`: a link in one of two directories, which also works on a root file system that is not
// running.
#include "base/fd.hpp"
#include "config/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace mi::config {

namespace {

// Opens `name` in `parent`, and makes it first where it is missing. Below a root a link in its place is not followed:
// it could lead out of there.
Result<Fd> open_or_make(const Fd& parent, const char* name, const std::string& path, bool follow) {
    if (::mkdirat(parent.get(), name, 0755) != 0 && errno != EEXIST)
        return fault(errno, "make directory", path);
    Fd fd(::openat(parent.get(), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)));
    if (!fd)
        return fault(errno, "open", path);
    return fd;
}

// Every directory of `path` below `base`, made where it is missing.
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

} // namespace

Result<bool> set_enabled(const Source& source, std::string_view name, bool enabled) {
    std::string unit(name);
    if (!name_fault(name).empty())
        return fault(EINVAL, "switch", unit);
    std::string admin = source.root + source.directories.front();
    bool relative = source.root.empty() && !admin.starts_with('/');
    Result<Fd> directory =
        make_path(relative ? "." : source.root, relative ? admin : source.directories.front(), source.root.empty());
    if (!directory)
        return std::unexpected(directory.error());
    const char* to = enabled ? "enabled" : "disabled";
    const char* from = enabled ? "disabled" : "enabled";
    bool changed = false;
    Result<Fd> links = open_or_make(*directory, to, admin + '/' + to, false);
    if (!links)
        return std::unexpected(links.error());
    // Where the link leads says nothing, its name does; the unit's file is what people expect to see.
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

} // namespace mi::config
