// The exit codes of minictl: those that the LSB defines for init scripts.
#pragma once

namespace mi::ctl {

enum ExitCode : int {
    done = 0,
    failed = 1,
    usage = 2,
    not_running = 3,
    refused = 4, // no such unit, no permission, or (for status) state unknown
};

} // namespace mi::ctl
