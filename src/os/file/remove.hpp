// Removes directories that a service has left, with any content: follows no symbolic link that another user could have
// made, and enters no other mount, because a mount below does not belong to the service.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "os/mount/mounts.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::os {

// Moves the entry `base`/`components` to `to`, by one rename(2) and without following a link below `base`. Fault
// ENOENT: it does not exist. EXDEV: it lies on a file system that may hang. A mount below it moves along: see
// something_mounted.
Result<> set_aside(const std::string& base, const std::vector<std::string>& components, const std::string& to,
                   HangingMounts& hanging);

// Whether something is mounted at `path` or below it according to /proc, or `path` lies on a file system that may hang;
// false if /proc has no answer.
[[nodiscard]] bool something_mounted(const std::string& path, HangingMounts& hanging);

// The paths that a removal had to leave, and why: "/run/app/data: something is mounted there". At most `most` are
// listed.
struct Leftovers {
    static constexpr std::size_t most = 5;
    std::vector<std::string> told;
    std::size_t count = 0;
    // One line for each path.
    [[nodiscard]] std::string text() const;
};

// Removes `path` with everything below it that is in the mount of the directory that holds it. A few descriptors are
// enough for any depth. An entry that can neither be removed nor entered stays, and so does one on a file system that
// may hang.
[[nodiscard]] Leftovers remove_tree(const std::string& path);

// Empties an open directory in the same way.
[[nodiscard]] Leftovers empty_directory(int directory);

// remove_tree for each of `paths`, in a child process, because a tree may take long. The caller need not wait for it.
struct RemovingChild {
    pid_t pid = 0;
    Fd left;                        // its leftovers, as Leftovers::text(): read it when the child has ended
    std::vector<std::string> paths; // as they were given
};
[[nodiscard]] Result<RemovingChild> remove_trees_apart(const std::vector<std::string>& paths);

} // namespace mi::os
