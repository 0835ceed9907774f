// What a service says of itself in one message of sd_notify(3): read, not yet believed. Whom it comes from and what follows
// is sd_notify.hpp's.
#pragma once

#include "base/time.hpp"
#include "core/unit.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace mi::daemon {

struct Notice {
    bool ready = false, reloading = false, stopping = false;
    bool alive = false, hung = false;        // WATCHDOG=1, WATCHDOG=trigger
    bool barrier = false;                    // BARRIER=1
    bool keep = false, give_up = false;      // FDSTORE=1, FDSTOREREMOVE=1
    bool polled = true;                      // FDPOLL=0: kept even when it hangs up
    std::optional<std::string> status;       // STATUS=, printable and not long
    std::optional<std::string> trouble;      // of ERRNO=, BUSERROR= and VARLINKERROR=, in words; empty: none any more
    std::optional<std::string> main_pid;     // MAINPID=, as it was written
    std::optional<core::NotifyAccess> heard; // NOTIFYACCESS=
    std::optional<Span> watchdog;            // WATCHDOG_USEC=; 0: off
    std::optional<Span> extend;              // EXTEND_TIMEOUT_USEC=, a day at most
    std::string name = "stored";             // FDNAME=
};

// Keys that mean nothing to us, and values that are none, are passed over: new ones are invented, and somebody may listen who
// knows them. Of a key that comes twice the last one counts.
[[nodiscard]] Notice read_notice(std::string_view text);

// `text` fit for a terminal and a table: only what is printable, and some 250 bytes of it.
[[nodiscard]] std::string short_text(std::string_view text);

} // namespace mi::daemon
