// What is said of the start of PID 1's program, in its log and on the console.
#pragma once

#include "config/load.hpp"
#include "daemon/options.hpp"
#include "os/crash/crash.hpp"

#include <string>
#include <vector>

namespace mi::daemon {

struct Parts;

// One line about ourselves in the log.
void introduce(Parts& parts, const Options& options);
// What is wrong with each file, in words, is added to `faults`; of one that is no text at all not every line of it.
void add_problems(std::vector<std::string>& faults, const std::vector<config::Problem>& problems);
// What became of the program before us, if there was one.
void report_crash(Parts& parts, const os::CrashGuard* guard, const Options& options);

} // namespace mi::daemon
