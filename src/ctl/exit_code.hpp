// What minictl exits with: the numbers of the LSB for init scripts.
#pragma once

namespace mi::ctl {

enum ExitCode : int {
    done = 0,
    failed = 1,
    usage = 2,
    not_running = 3,
    refused = 4, // no such unit, no permission, or (for status) nobody who could tell
};

} // namespace mi::ctl
