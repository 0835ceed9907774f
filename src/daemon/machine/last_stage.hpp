// What comes after the last unit: processes ended, storage released, reboot(2); from a copy of the program in memory where
// that can be had. All of it within the time that the shutdown has left.
#pragma once

#include "base/time.hpp"
#include "core/event.hpp"

#include <string>
#include <vector>

namespace mi::daemon {

// What it has to know. It goes over exec as arguments.
struct LastStage {
    core::Ending how = core::Ending::poweroff;
    int code = 0;                                      // for the host of this virtual machine
    Instant deadline = never;                          // of the whole shutdown
    Span watchdog{0};                                  // what the hardware's was armed with; 0: it was not
    std::string state_directory = "/var/lib/miniinit"; // where the report goes
    std::string end = "auto";              // what a power-off is here (core/machine_end.hpp); the kernel's word counts
    std::vector<std::string> in_the_way{}; // of the shutdown so far, a line each
};

// Does not return, whatever happens.
[[noreturn]] void end_machine(LastStage what);

// What the copy does: `miniinit --last-stage …`, as end_machine() called it.
[[noreturn]] void last_stage(int argc, char** argv);

// Where in the state directory what was in the way is kept until the next boot has shown it, and after that.
inline constexpr std::string_view report_name = "shutdown-report", old_report_name = "shutdown-report.old";

} // namespace mi::daemon
