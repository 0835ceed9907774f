// The directory of the sockets of an init in a machine or a container: one list of places for both the init and its
// clients.
//
// It is /run/miniinit. In a container the root may be read-only and the init unprivileged: then the init takes the
// first of a few other places that it can own, whose names contain its user ID. A client accepts such a place only if
// it belongs to the client's own user or to the user of process 1; no other user can have made it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::os {

constexpr char init_directory[] = "/run/miniinit";

// The other places for an init of this user, best first.
[[nodiscard]] std::vector<std::string> spare_directories(uid_t user);

// Whether `path` is a directory that we may write to or could make. Makes nothing.
[[nodiscard]] bool could_have(const std::string& path);

// The first possible place for an init of a container that runs with our credentials; /run/miniinit if there is none.
// Makes nothing.
[[nodiscard]] std::string place_for_init();

// Where a client finds the init: the first place with a control socket, else /run/miniinit.
[[nodiscard]] std::string place_of_init();

} // namespace mi::os
