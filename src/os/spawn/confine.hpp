// The confinement of a process as data: its own directories, its own mounts, the capabilities it keeps, the system
// calls it may make. Part of a Plan; the child applies it.
#pragma once

#include "base/capabilities.hpp"
#include "base/result.hpp"
#include "base/system_calls.hpp"
#include "os/spawn/plan_enums.hpp"

#include <linux/filter.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mi::os {

// A directory that must exist: `base`, and below it each component in turn, none of which may be a link.
struct Directory {
    std::string base;                    // made with its parents if `make_base`
    std::vector<std::string> components; // at least one
    mode_t parents_mode = 0755;          // of components before the last, if they must be made
    mode_t mode = 0755;                  // of the last component, if it must be made
    uid_t owner = 0;                     // of the last component, even if it exists
    gid_t group = 0;
    bool make_base = false;
    bool keep_owner = false; // if it exists: left as it is
    bool ours = false; // every component must belong to `owner` already, so that no other user can have prepared it

    [[nodiscard]] std::string path() const;
};

// One change to the mounts that the process sees.
struct MountChange {
    using Kind = MountKind;
    Kind kind = Kind::read_only;
    std::string path;      // as the process sees it
    std::string source{};  // bind: as we see it; proc: hidepid, empty for none
    bool optional = false; // if `path` or `source` is missing, nothing is done
    bool make = false;     // bind: a missing `path` is made; proc: only processes are in it
    std::string about{};   // for messages: `private-tmp`, `read-only-paths "/srv"`
};

// The mount namespace of a process (mount_namespaces(7)).
struct Mounting {
    std::vector<MountChange> changes; // in this order
    std::string nothing;              // the directory that prepare_nothing() has prepared, for Kind::nothing
};

// Makes in `directory` the empty directory and file that Kind::nothing shows.
[[nodiscard]] Result<> prepare_nothing(const std::string& directory);

// The capabilities that a process keeps (capabilities(7)).
struct Keeping {
    CapabilitySet bounding = 0;          // the limit for every program that it executes
    std::optional<CapabilitySet> kept{}; // the capabilities that it has; nullopt: those that its user has in any case
    bool by_ambience = false;            // the process is not root's: without the ambient set an exec would remove them
};

// The capabilities of our own process.
[[nodiscard]] CapabilitySet own_capabilities();

// A seccomp filter in the kernel's form (seccomp(2)).
struct SystemCallFilter {
    std::vector<sock_filter> program;
};

// Compiles `filter`: a denied call fails with `error`, or ends the process by SIGSYS if `error` is 0. If the list has
// the allowed calls, a call that we do not know fails with ENOSYS, as on an older kernel. Calls of another architecture
// are denied.
// What `restricted` denies fails with EPERM, or, for a family of addresses, EAFNOSUPPORT. Calls that hide what is passed in
// memory (clone3, openat2) fail with ENOSYS where it matters; libraries then use the older ones.
[[nodiscard]] std::shared_ptr<const SystemCallFilter> make_filter(const CallFilter& filter, int error,
                                                                  const CallRestrictions& restricted = {});

} // namespace mi::os
