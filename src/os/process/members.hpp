// Finds the processes of a service where there are no cgroups: by session, by parent, and by INVOCATION_ID in their
// environment.
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

namespace mi::os {

// The known properties of a service, by which its processes are found.
struct Membership {
    std::string invocation_id;   // as in its environment; empty: not used
    std::vector<pid_t> sessions; // IDs of its sessions (and process groups)
};

// The processes of each of `services`, from one scan of /proc for all of them. A process belongs to a service if its
// session is one of the service's, its environment has the service's ID, or its parent belongs. Zombies and our own
// process are never included. Without /proc, returns the leaders of living process groups.
[[nodiscard]] Result<std::vector<std::vector<pid_t>>> find_members(std::span<const Membership> services);

// Whether this one process (also a zombie) belongs to the service, by the same rules. Takes time in proportion to the
// number of its ancestors. Without /proc only its session counts.
[[nodiscard]] bool is_member(pid_t pid, const Membership& service);

// Our children, including adopted ones and zombies. Cheap: if we know all our children, no service has an unknown
// process, and no scan is needed. A fault if the kernel does not list them.
[[nodiscard]] Result<std::vector<pid_t>> own_children();

} // namespace mi::os
