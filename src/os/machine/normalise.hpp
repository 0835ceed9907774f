// Bringing ourselves into a known state, whoever started us: children inherit it, and so have little to do.
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::os {

struct Normality {
    // Inherited descriptors above 2 that stay open (sorted or not); all others are closed.
    std::vector<int> keep;
    // False where the score is the container runtime's statement about the container, not an accident.
    bool reset_oom_score = true;
};

// What we had before and what could not be changed.
struct Inheritance {
    mode_t umask = 022;        //
    std::vector<int> was_open; // the inherited descriptors above 2 that were closed
    std::vector<Fault> faults; // refused, and lived with
};

// cwd `/`, umask 022, nice 0, SCHED_OTHER, no I/O priority, every disposition default, default timer slack and coredump
// filter, oom_score_adj 0, no descriptor above 2 but `keep`, and 0, 1 and 2 open (on /dev/null where they were not).
// Limits are limits.hpp's.
Inheritance normalise_self(const Normality& normality);

} // namespace mi::os
