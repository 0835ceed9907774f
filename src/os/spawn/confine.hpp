// What sets a process apart from the rest of the machine, as data: directories of its own, mounts of its own, the
// capabilities it keeps, the system calls it may make. Part of a Plan; the child carries it out.
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

// A directory that has to be there: `base`, and below it one component after the other, none of which may be a link.
struct Directory {
    std::string base;                    // made as well if `make_base`, its parents too
    std::vector<std::string> components; // at least one
    mode_t parents_mode = 0755;          // of those before the last, where they have to be made
    mode_t mode = 0755;                  // of the last one, where it has to be made
    uid_t owner = 0;                     // of the last one, also where it was there
    gid_t group = 0;
    bool make_base = false;
    bool ours = false; // every component has to belong to `owner` already: nobody else may have prepared it

    [[nodiscard]] std::string path() const;
};

// One change to the mounts that the process sees.
struct MountChange {
    using Kind = MountKind;
    Kind kind = Kind::read_only;
    std::string path;      // as the process sees it
    std::string source{};  // bind: as we see it
    bool optional = false; // if `path` or `source` is missing, nothing is done
    bool make = false;     // bind: a missing `path` is made
    std::string about{};   // for messages: `private-tmp`, `read-only-paths "/srv"`
};

// The mount namespace of a process.
struct Mounting {
    std::vector<MountChange> changes; // in this order
    std::string nothing;              // where prepare_nothing() has put what Kind::nothing shows
};

// Makes, in `directory`, the directory and the file that Kind::nothing shows.
[[nodiscard]] Result<> prepare_nothing(const std::string& directory);

// The capabilities a process keeps.
struct Keeping {
    CapabilitySet bounding = 0;          // no program it executes can give it another
    std::optional<CapabilitySet> kept{}; // those it has; unset: those that its user has anyway
    bool by_ambience = false;            // it is not root's: an exec would lose them, were they not ambient
};

// Those that we have ourselves.
[[nodiscard]] CapabilitySet own_capabilities();

// A seccomp filter, ready for the kernel.
struct SystemCallFilter {
    std::vector<sock_filter> program;
};

// The filter that does what `filter` says: a denied call fails with `error`, or ends the process by SIGSYS if that is 0.
// A call that we do not know fails with ENOSYS where the list says what is allowed, as it would on an older kernel. Calls of
// another architecture are denied.
[[nodiscard]] std::shared_ptr<const SystemCallFilter> make_filter(const CallFilter& filter, int error);

} // namespace mi::os
