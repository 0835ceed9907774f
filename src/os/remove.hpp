// Taking away directories that a service has left, whatever it has put there: nothing here follows a link.
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::os {

// Moves what is at `base`/`components` to `to`, by one rename and without following a link below `base`. Fault ENOENT: it
// is not there.
Result<> set_aside(const std::string& base, const std::vector<std::string>& components, const std::string& to);

// Removes what is at `path`, with everything below it. However deep it is, two descriptors at a time are enough: what
// lies deeper is moved up before it is removed. What cannot be removed (a mount point) stays, and the first such fault is
// told.
Result<> remove_tree(const std::string& path);

// Empties an open directory in the same way, but enters nothing that is of another file system.
Result<> empty_directory(int directory);

// remove_tree for each of `paths`, in a child of its own that nobody has to wait for: a tree may take its time. Its pid.
Result<pid_t> remove_trees_apart(const std::vector<std::string>& paths);

} // namespace mi::os
