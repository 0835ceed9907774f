// Turns the crash page into text for people.
#pragma once

#include "base/time.hpp"
#include "os/crash/crash.hpp"

#include <string>
#include <vector>

namespace mi::os {

// "SIGSEGV at 0x10, sent by process 12 (kill)": the last crash, in one line.
[[nodiscard]] std::string crash_text(const CrashPage& page);

// That line for the log, with the number of crashes in the last minute; and a line of addresses for addr2line(1).
[[nodiscard]] std::vector<std::string> crash_report(const CrashPage& page, Instant now);

} // namespace mi::os
