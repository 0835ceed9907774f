// What people are told of a crash of ours.
#pragma once

#include "base/time.hpp"
#include "os/crash/crash.hpp"

#include <string>
#include <vector>

namespace mi::os {

// "SIGSEGV at 0x10, sent by process 12 (kill)": the last crash, in one line.
[[nodiscard]] std::string crash_text(const CrashPage& page);

// That line for the log, with how often in the last minute; and one with the addresses, for addr2line(1).
[[nodiscard]] std::vector<std::string> crash_report(const CrashPage& page, Instant now);

} // namespace mi::os
