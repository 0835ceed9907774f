// The boot as a picture: one axis of time for the kernel, the init and every unit. Text in, text out.
#pragma once

#include "ctl/boot/boot.hpp"

#include <string>

namespace mi::ctl {

// What the picture says of the machine.
struct Machine {
    std::string host, kernel; // "Linux 6.1.0 x86_64"
    std::int64_t booted_realtime = 0;
};
[[nodiscard]] Machine this_machine();

// An SVG that needs nothing else: no font, no script, no network. A row for each unit that took part in the boot, its name
// beside the bars; `<title>`s tell the rest. Light or dark as the reader's screen is.
[[nodiscard]] std::string plot_view(const Boot& boot, const Machine& machine);

// The same for chrome://tracing and Perfetto: an array of complete events (their Trace Event Format), times in microseconds
// since the kernel (elsewhere: the init) started, a line for each unit.
[[nodiscard]] std::string trace_view(const Boot& boot);

// What `plot --json` prints: the rows of the chart, from top to bottom, in microseconds since boot.
struct ChartRow {
    std::string unit, description;
    core::Kind kind = core::Kind::service;
    core::Phase state = core::Phase::down; // now
    wire::FirstStart first;
    std::optional<std::string> waited_for; // last
    bool critical = false;                 // part of the critical chain
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("description", self.description);
        visit("kind", self.kind);
        visit("state", self.state);
        visit("first", self.first);
        visit("waited_for", self.waited_for);
        visit("critical", self.critical);
    }
};
struct ChartTold {
    std::string host, kernel, version, target;
    std::int64_t init = 0, booted_realtime = 0;
    std::optional<std::int64_t> units_loaded, over; // none: not yet
    std::vector<ChartRow> units;
    static void fields(auto& self, auto&& visit) {
        visit("host", self.host);
        visit("kernel", self.kernel);
        visit("version", self.version);
        visit("target", self.target);
        visit("init", self.init);
        visit("booted_realtime", self.booted_realtime);
        visit("units_loaded", self.units_loaded);
        visit("over", self.over);
        visit("units", self.units);
    }
};
[[nodiscard]] ChartTold chart_told(const Boot& boot, const Machine& machine);

// ---- for all of them ---------------------------------------------------------------------------------------------------

// The units that took part, in the order of their rows, and the time that is shown.
struct Chart {
    std::vector<std::size_t> rows;
    std::int64_t begin = 0, end = 0; // microseconds since boot
    bool kernel = false;             // its time is the machine's, and part of the boot
    bool over = false;               // the boot is
    std::size_t later = 0;           // units that were wanted only afterwards
};
[[nodiscard]] Chart chart_of(const Boot& boot);
// What a unit did from `waiting` on; an end that has not come yet is that of the chart.
struct Phases {
    std::int64_t waiting = 0, starting = 0, up = 0, ended = 0;
    bool started = false, came_up = false, skipped = false, failed = false, runs = false;
};
[[nodiscard]] Phases phases_of(const Boot& boot, const Chart& chart, const BootUnit& unit);

} // namespace mi::ctl
