// Where the init of a machine or a container has its sockets: one list of places, for the init and for its clients.
//
// That is /run/miniinit. A container may have a root that is read-only, and an init without privileges: then the init takes the
// first of a few other places that it can have for itself, which bear its user's number. A client finds it there because the
// place belongs to that user, who is the client's own or that of process 1; nobody else could have made it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::os {

constexpr char init_directory[] = "/run/miniinit";

// What stands in for it, for an init of this user: best first.
[[nodiscard]] std::vector<std::string> spare_directories(uid_t user);

// Whether `path` is a directory that we may write in, or can be made by us. Looks, makes nothing.
[[nodiscard]] bool could_have(const std::string& path);

// The first place of an init of a container that runs as we do. Where none is to be had it is /run/miniinit. Makes nothing.
[[nodiscard]] std::string place_for_init();

// Where a client finds the init: the first place with a control socket, else /run/miniinit.
[[nodiscard]] std::string place_of_init();

} // namespace mi::os
