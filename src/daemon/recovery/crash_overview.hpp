// The part of `minictl status` that speaks of crashes of ours.
#pragma once

#include "os/crash/crash_report.hpp"
#include "wire/messages.hpp"

namespace mi::daemon {

inline void describe_crashes(const os::CrashPage& page, wire::Overview& overview) {
    overview.crashes = page.crashes;
    overview.reexecs = page.reexecs;
    if (page.crashes != 0)
        overview.last_crash = os::crash_text(page);
}

} // namespace mi::daemon
