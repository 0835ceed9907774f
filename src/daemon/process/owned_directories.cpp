#include "daemon/process/owned_directories.hpp"

#include "os/file/runtime.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace mi::daemon {

void OwnedDirectories::note(const Launch& launch) {
    for (const std::string& path : launch.temporary)
        if (std::ranges::find(temporary, path) == temporary.end())
            temporary.push_back(path);
    for (const os::Directory& directory : launch.runtime)
        if (std::ranges::none_of(runtime, [&](const auto& other) { return other.path() == directory.path(); }))
            runtime.push_back(directory);
}

namespace {

OwnedDirectories::Removing remove_all(const std::vector<std::string>& paths) {
    if (paths.empty())
        return std::nullopt;
    auto child = os::remove_trees_apart(paths);
    if (!child)
        return std::unexpected(child.error());
    return std::move(*child);
}

} // namespace

bool overlap(std::string first, std::string second) {
    first += "/";
    second += "/";
    return first.starts_with(second) || second.starts_with(first);
}

OwnedDirectories::Removing OwnedDirectories::end_run(const std::string& aside, unsigned long& number) {
    network.reset();
    std::vector<std::string> paths = std::exchange(temporary, {});
    for (std::string& path : paths) {
        if (!path.starts_with(aside + "/"))
            continue;
        // After a re-exec the count begins anew. No unit's name begins with a dot, and in the same directory no right to the
        // moved one itself is needed.
        std::string to;
        bool moved = false;
        do {
            to = aside + "/." + std::to_string(++number);
            moved = ::rename(path.c_str(), to.c_str()) == 0;
        } while (!moved && (errno == ENOTEMPTY || errno == EEXIST));
        if (moved)
            path = std::move(to);
    }
    return remove_all(paths);
}

void OwnedDirectories::leave_to(OwnedDirectories& other) {
    std::vector<os::Directory> left;
    std::erase_if(runtime, [&](os::Directory& ours) {
        if (std::ranges::none_of(other.runtime,
                                 [&](const auto& theirs) { return overlap(ours.path(), theirs.path()); }))
            return false;
        left.push_back(std::move(ours));
        return true;
    });
    for (os::Directory& ours : left)
        if (std::ranges::none_of(other.runtime, [&](const auto& theirs) { return theirs.path() == ours.path(); }))
            other.runtime.push_back(std::move(ours));
}

OwnedDirectories::Removing OwnedDirectories::come_to_rest(const std::string& aside, unsigned long& number,
                                                          os::HangingMounts& hanging) {
    std::vector<std::string> paths;
    for (const os::Directory& directory : std::exchange(runtime, {})) {
        // A mount would move along with it, and be at a place where it is not looked for. And a full /run: then it goes from
        // where it is.
        if (os::something_mounted(directory.path(), hanging) || !os::make_directory(aside, 0700)) {
            paths.push_back(directory.path());
            continue;
        }
        // After a re-exec the count begins anew, and another's name may be taken: rename(2) refuses one that is not empty.
        std::string to;
        Result<> moved;
        do {
            to = aside + "/" + std::to_string(++number);
            moved = os::set_aside(directory.base, directory.components, to, hanging);
        } while (!moved && (moved.error().code == ENOTEMPTY || moved.error().code == EEXIST));
        if (moved)
            paths.push_back(std::move(to));
        else if (moved.error().code != ENOENT) // never made, or gone already
            paths.push_back(directory.path());
    }
    return remove_all(paths);
}

} // namespace mi::daemon
