// An end of the machine at a set time: what was asked for, when people are to be told of it again, and in which words.
// When it comes, scheduling.cpp acts.
#pragma once

#include "base/time.hpp"
#include "wire/enums.hpp"

#include <string>

namespace mi::daemon {

// Plain, so that it can be carried over a re-exec as it is.
struct ScheduledEnd {
    wire::Ending how = wire::Ending::poweroff;
    bool by_wall = false;   // `at` is of the wall clock, else of CLOCK_MONOTONIC
    std::int64_t at = 0;    // microseconds
    std::string message;    // what people are told besides
    std::string who;        // "root on pts/0"
    bool no_wall = false;   // people are not told
    bool warn_only = false; // and nothing else happens
    bool closed = false;    // logins are refused already (/run/nologin)
    static void fields(auto& self, auto&& visit) {
        visit(self.how, self.by_wall, self.at, self.message, self.who, self.no_wall, self.warn_only, self.closed);
    }
};

// No user logs in any more when it is as near as that.
constexpr Span logins_end = std::chrono::minutes(5);

// The moments at which people are told again: how long before the end is the next one that is nearer than `left`. 0: the
// end itself.
[[nodiscard]] Span next_warning(Span left);

// "in 2 hours 5 minutes", "in 1 minute", "now"; to the minute, or below one to the second.
[[nodiscard]] std::string time_left(Span left);

// For the log: "power-off in 5 minutes, asked for by root on pts/0: new kernel".
[[nodiscard]] std::string log_line(const ScheduledEnd& end, Span left);
// For people: "new kernel", and on a line of its own "The system is going down for power-off in 5 minutes!".
[[nodiscard]] std::string warning(const ScheduledEnd& end, Span left);
// "power-off".
[[nodiscard]] std::string_view noun(wire::Ending how);

// What is written to terminals: `text` and who says it, each line by itself. Nothing in it controls a terminal.
[[nodiscard]] std::string broadcast(std::string_view who, std::string_view host, std::string_view text);

} // namespace mi::daemon
