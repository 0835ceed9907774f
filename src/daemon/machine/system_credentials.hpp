// What the firmware of a virtual machine hands to it (os/machine/credential.hpp), as files below /run/credentials/@system, where
// `credentials` and `environment-from` find them by name.
#pragma once

namespace mi::daemon {

// At boot, once /sys and /run are mounted: makes a file of each credential. The first one of a name stays, also one from an
// initramfs.
void import_system_credentials();

} // namespace mi::daemon
