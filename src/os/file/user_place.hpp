// Where the manager of one user lives: the XDG directories, and what stands in for them. The manager and its clients work it
// out alike, and neither trusts a directory that somebody else could have put there.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::os {

struct UserPlace {
    std::string config_home; // $XDG_CONFIG_HOME, or ~/.config
    std::string state;       // miniinit in $XDG_STATE_HOME, or in ~/.local/state
    // Where the sockets are: what a manager uses stands first, what one that was started otherwise (from cron, say) may have
    // used follows. miniinit in $XDG_RUNTIME_DIR or in /run/user/UID; else /tmp/miniinit-UID.
    std::vector<std::string> run_directories;
    std::string complaint; // why $XDG_RUNTIME_DIR is passed over, or empty
};

// Looks, makes nothing.
[[nodiscard]] UserPlace user_place();

// The run directory of the user's manager that a client should speak to: the first with a control socket in a directory of
// ours, else the first.
[[nodiscard]] std::string client_run_directory(const UserPlace& place);

// Why what is at `path` must not be used as our own: it is a link, no directory, of another user, or others may write to
// it. Empty where it is fine.
[[nodiscard]] std::string not_ours(const std::string& path);

// Makes `path` (its parents too) with mode 0700 where it is missing. A fault where it is there and `not_ours`.
Result<> make_own_directory(const std::string& path);

// Takes the lock that one manager of a run directory has; it is held as long as the descriptor is open. EADDRINUSE with the
// PID of who has it.
[[nodiscard]] Result<Fd> lock_run_directory(const std::string& path);

} // namespace mi::os
