// Taking away directories that a service has left, whatever it has put there: nothing here follows a link that somebody else
// could have made, and nothing goes into another mount: what is mounted below is not the service's.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "os/mount/mounts.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::os {

// Moves what is at `base`/`components` to `to`, by one rename and without following a link below `base`. Fault ENOENT: it
// is not there. EXDEV: it lies on a file system that may hang. What is mounted below goes along: see something_mounted.
Result<> set_aside(const std::string& base, const std::vector<std::string>& components, const std::string& to,
                   HangingMounts& hanging);

// Whether something is mounted at `path` or below it, as /proc says, or it lies on a file system that may hang; false where
// that says nothing.
[[nodiscard]] bool something_mounted(const std::string& path, HangingMounts& hanging);

// What a removal had to leave, and why: "/run/app/data: something is mounted there". At most `most` are told.
struct Leftovers {
    static constexpr std::size_t most = 5;
    std::vector<std::string> told;
    std::size_t count = 0;
    // A line each.
    [[nodiscard]] std::string text() const;
};

// Removes what is at `path`, with everything below it, as far as it is in the mount of the directory that holds it. However
// deep it is, a few descriptors are enough. What could be neither removed nor entered stays where it is, and so does what
// lies on a file system that may hang.
[[nodiscard]] Leftovers remove_tree(const std::string& path);

// Empties an open directory in the same way.
[[nodiscard]] Leftovers empty_directory(int directory);

// remove_tree for each of `paths`, in a child of its own that nobody has to wait for: a tree may take its time.
struct RemovingChild {
    pid_t pid = 0;
    Fd left;                        // what it could not remove, as Leftovers::text(): to be read when it has ended
    std::vector<std::string> paths; // as they were given
};
[[nodiscard]] Result<RemovingChild> remove_trees_apart(const std::vector<std::string>& paths);

} // namespace mi::os
