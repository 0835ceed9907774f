// Brings our own process into a known state, whatever we inherited: children inherit it from us, and so have little to
// reset.
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::os {

struct Normality {
    // Inherited descriptors above 2 that stay open, in any order; all others are closed.
    std::vector<int> keep;
    // False if the container runtime has set the score for the whole container on purpose.
    bool reset_oom_score = true;
};

// The previous settings, and the changes that failed.
struct Inheritance {
    mode_t umask = 022;        //
    std::vector<int> was_open; // the inherited descriptors above 2 that were closed
    std::vector<Fault> faults; // changes that were refused; we go on without them
};

// Sets: working directory `/`, umask 022, nice 0, SCHED_OTHER, no I/O priority, every signal disposition default,
// default timer slack and coredump filter, oom_score_adj 0. Closes every descriptor above 2 except `keep`, and opens
// /dev/null for those of 0, 1 and 2 that are closed. Resource limits are set by limits.hpp.
Inheritance normalise_self(const Normality& normality);

} // namespace mi::os
