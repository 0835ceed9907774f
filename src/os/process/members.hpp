// Which processes belong to a service, where there are no cgroups: by session, by parent, by the INVOCATION_ID they
// carry.
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

namespace mi::os {

// What is known of a service whose processes are looked for.
struct Membership {
    std::string invocation_id;   // as in its environment; empty: not looked at
    std::vector<pid_t> sessions; // ids of sessions (and process groups) that are its own
};

// The processes of each of `services`, in one scan of /proc for all of them: a process belongs if its session is one of
// theirs, its environment carries their id, or its parent belongs. Zombies and ourselves are never among them. Without
// /proc it is the leaders of living process groups that are returned.
[[nodiscard]] Result<std::vector<std::vector<pid_t>>> find_members(std::span<const Membership> services);

// Whether this one process belongs to the service, a zombie too, by the same signs; it costs as much as it has parents.
// Without /proc its session alone tells.
[[nodiscard]] bool is_member(pid_t pid, const Membership& service);

// Our children, the adopted ones included, zombies too. Cheap: with no child that we do not know, no service has a
// process we do not know, and no scan is needed. A fault where the kernel does not tell.
[[nodiscard]] Result<std::vector<pid_t>> own_children();

} // namespace mi::os
