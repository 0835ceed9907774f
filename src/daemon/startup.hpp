// From a place and options to the first turn: what the program before us has left is taken over, the machine is brought up,
// units are read, the parts are made, and they live to the end.
#pragma once

#include "daemon/options.hpp"
#include "daemon/place.hpp"
#include "os/crash/crash.hpp"
#include "os/process/limits.hpp"

#include <vector>

namespace mi::daemon {

// `started`: when this program began; `limits`: of ours as we found them, where they were changed. Gives an exit code; on a machine
// it does not return.
int run_supervisor(const Options& options, Place place, Instant started, Result<os::CrashGuard>& guard,
                   std::vector<os::Limit> limits);

} // namespace mi::daemon
