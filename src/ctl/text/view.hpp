// Formats replies for people. Text in, text out; talks to no other process.
#pragma once

#include "ctl/text/terminal.hpp"
#include "wire/messages.hpp"

#include <span>
#include <string>
#include <vector>

namespace mi::ctl {

// A table of units: name, state, age, PID, description. `now`: microseconds since boot.
[[nodiscard]] std::string list_view(const Style& style, const std::vector<wire::UnitStatus>& units, std::int64_t now);

// A table of units with timers, sorted by the next run. `now`: microseconds since 1970.
[[nodiscard]] std::string timers_view(const Style& style, std::vector<wire::UnitStatus> units, std::int64_t now);

// All data about one unit, without its log.
[[nodiscard]] std::string status_view(const Style& style, const wire::UnitStatus& unit, std::int64_t now);

// The manager itself, and the failed units.
[[nodiscard]] std::string overview_view(const Style& style, const wire::Overview& overview);

// "power-off at 2026-11-26 23:30:00 (in 5 min), by root on pts/0: new kernel".
[[nodiscard]] std::string scheduled_view(const wire::ScheduledShutdown& scheduled);
// When the machine (or the container) and its units started. Times of units count from the start of the init.
[[nodiscard]] std::string times_view(const Style& style, const wire::Overview& overview, wire::Times times);

// The tree of dependencies. A unit with several parents is drawn in full only at the first one.
[[nodiscard]] std::string tree_view(const Style& style, const wire::Branches& branches);

// One line with its line end.
[[nodiscard]] std::string event_view(const Style& style, const wire::Event& event);

[[nodiscard]] std::string features_view(const Style& style, const std::vector<wire::Feature>& features);

// The event that a unit with a timer or socket waits for: "next 2026-11-22 04:00:00 (in 3 h)", "at stream *:80".
[[nodiscard]] std::string trigger_view(const wire::UnitStatus& unit);
// The reason for the unit's state; for a unit that waits for its timer or socket, also the time or address.
[[nodiscard]] std::string reason_view(const wire::UnitStatus& unit);

// Whether the reason describes the end of the previous run while a new run exists: then it does not explain the present
// state.
[[nodiscard]] bool of_last_run(core::Phase state, core::Reason reason);

// One line without its line end: "web is up" and similar.
[[nodiscard]] std::string result_view(const Style& style, const wire::JobResult& result);
// The same for a job without a wait: it was requested, and its result is unknown.
[[nodiscard]] std::string asked_view(const Style& style, const wire::JobResult& result);

// "0.012 s": seconds with three decimals.
[[nodiscard]] std::string millis(std::int64_t micros);

// The word for a state in its colour, padded to `width` columns.
[[nodiscard]] std::string state_word(const Style& style, core::Phase state, std::size_t width = 0);

} // namespace mi::ctl
