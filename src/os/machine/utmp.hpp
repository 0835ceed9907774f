// Records of boot, runlevel and shutdown, which who(1), last(1) and runlevel(8) read: see utmp(5).
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>

namespace mi::os {

enum class MachineEvent : std::uint8_t { boot, runlevel, shutdown };

// Where the records are. `present` has one of each kind, and is made if it is missing; `past` has all that ever were, where it is.
struct RecordFiles {
    std::string present = "/run/utmp", past = "/var/log/wtmp";
};

// Writes a record to both files; `level`: of a runlevel its digit. It waits for a lock that another process has on `present`.
[[nodiscard]] Result<> record_machine_event(MachineEvent event, char level = 0, const RecordFiles& files = {});

} // namespace mi::os
