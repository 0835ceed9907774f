// What is left of the init where it has crashed too often: somebody who reaps, who tells what has happened, and who ends the
// machine when asked. Nothing is started or stopped, and no state is read: it may be what the init has stumbled over. Should
// even this crash, then one that does not so much as tell.
#pragma once

#include "daemon/options.hpp"
#include "daemon/place.hpp"
#include "os/crash/crash.hpp"

namespace mi::daemon {

// Takes care until the end. Gives an exit code; on a machine it does not return.
int take_care(const Options& options, const Place& place, os::CrashGuard& guard);

} // namespace mi::daemon
