// Protections that the kernel refuses to us, as it does in a container with the usual privileges. A service that may do without them
// is started without, and its status says which it lacks.
#pragma once

#include "core/unit.hpp"
#include "daemon/options.hpp"
#include "os/spawn/spawn.hpp"

#include <climits>

namespace mi::daemon {

struct Launch;

// What has been refused so far: it is found out by the starts that fail of it.
struct Refusals {
    int nice = INT_MIN, oom_score = INT_MIN; // this value, and every lower one
    bool limits = false, mounts = false, network = false;

    // True: `fault` is such a refusal. The same start gets further when it is tried again: others may have found it out meanwhile.
    [[nodiscard]] bool note(const os::SpawnFault& fault, const core::Process* process);
    // Takes what is refused out of the plan, and names it in `lacks`.
    void leave_out(Launch& launch) const;
};

// Whether a service may do without protections that are refused (`[process] confinement`).
[[nodiscard]] bool goes_without(const core::Process* process, Mode mode);

} // namespace mi::daemon
