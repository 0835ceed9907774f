// The directories of a user's manager: the XDG directories (XDG Base Directory Specification) and their substitutes.
// The manager and its clients compute them in the same way, and neither trusts a directory that another user could have
// put there.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::os {

struct UserPlace {
    std::string config_home; // $XDG_CONFIG_HOME, or ~/.config
    std::string cache;       // $XDG_CACHE_HOME, or ~/.cache
    std::string state;       // `miniinit` in $XDG_STATE_HOME, or in ~/.local/state
    // Directories of the sockets: first the one that a manager uses, then those that a manager started in another way
    // (from cron, say) may have used. `miniinit` in $XDG_RUNTIME_DIR or in /run/user/UID; else /tmp/miniinit-UID.
    std::vector<std::string> run_directories;
    std::string complaint; // why $XDG_RUNTIME_DIR is ignored, or empty
};

// Computes the directories; makes nothing.
[[nodiscard]] UserPlace user_place();

// The run directory of the user's manager for a client: the first directory of ours with a control socket, else the
// first one.
[[nodiscard]] std::string client_run_directory(const UserPlace& place);

// Why we must not use `path` as our own: it is a link, no directory, owned by another user, or writable by others.
// Empty if it is fine.
[[nodiscard]] std::string not_ours(const std::string& path);

// Makes `path` (with its parents) with mode 0700 if it is missing. A fault if it exists and is `not_ours`.
Result<> make_own_directory(const std::string& path);

// Takes the lock of a run directory, which only one manager can hold; the lock lasts as long as the descriptor is open.
// Fault EADDRINUSE, with the PID of the holder.
[[nodiscard]] Result<Fd> lock_run_directory(const std::string& path);

} // namespace mi::os
