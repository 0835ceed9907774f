// How replies look to people. Text in, text out: nothing here talks to anyone.
#pragma once

#include "ctl/text/terminal.hpp"
#include "wire/messages.hpp"

#include <span>
#include <string>
#include <vector>

namespace mi::ctl {

// A table of units: name, state, since, PID, description. `now`: microseconds since boot.
[[nodiscard]] std::string list_view(const Style& style, const std::vector<wire::UnitStatus>& units, std::int64_t now);

// A table of the units that timers run, the next one first. `now`: microseconds since 1970.
[[nodiscard]] std::string timers_view(const Style& style, std::vector<wire::UnitStatus> units, std::int64_t now);

// All that is known of one unit, without its log.
[[nodiscard]] std::string status_view(const Style& style, const wire::UnitStatus& unit, std::int64_t now);

// The manager itself, and what has failed.
[[nodiscard]] std::string overview_view(const Style& style, const wire::Overview& overview);

// "power-off at 2026-11-26 23:30:00 (in 5 min), by root on pts/0: new kernel".
[[nodiscard]] std::string scheduled_view(const wire::ScheduledShutdown& scheduled);
// When the machine (or the container) and its units started. Times of units are from the start of the init.
[[nodiscard]] std::string times_view(const Style& style, const wire::Overview& overview, wire::Times times);

// Dependencies, drawn. A unit that hangs in several places is drawn whole in the first.
[[nodiscard]] std::string tree_view(const Style& style, const wire::Branches& branches);

// One line, with its end.
[[nodiscard]] std::string event_view(const Style& style, const wire::Event& event);

[[nodiscard]] std::string features_view(const Style& style, const std::vector<wire::Feature>& features);

// What a unit waits for that its timer or a connection runs: "next 2026-11-22 04:00:00 (in 3 h)", "at stream *:80".
[[nodiscard]] std::string trigger_view(const wire::UnitStatus& unit);
// Why the unit is in its state; of one that waits to be run, with when that is, and where it listens.
[[nodiscard]] std::string reason_view(const wire::UnitStatus& unit);

// Whether the reason is how the last run ended, and there is a new one: then it is no reason for what is now.
[[nodiscard]] bool of_last_run(core::Phase state, core::Reason reason);

// "web is up" and the like, one line without its end.
[[nodiscard]] std::string result_view(const Style& style, const wire::JobResult& result);
// The same of a job that was not waited for: it is asked for, and nothing is said of how it ends.
[[nodiscard]] std::string asked_view(const Style& style, const wire::JobResult& result);

// "0.012 s": to the thousandth of a second.
[[nodiscard]] std::string millis(std::int64_t micros);

// The word of a state in its colour, filled up to `width` columns.
[[nodiscard]] std::string state_word(const Style& style, core::Phase state, std::size_t width = 0);

} // namespace mi::ctl
