// The boot as a picture: one time axis for the kernel, the init and every unit. Text in, text out.
#pragma once

#include "ctl/boot/boot.hpp"

#include <string>

namespace mi::ctl {

// Data about the machine for the heading.
struct Machine {
    std::string host, kernel; // "Linux 6.1.0 x86_64"
    std::int64_t booted_realtime = 0;
};
[[nodiscard]] Machine this_machine();

// A self-contained SVG without fonts, scripts or network access. It has one row for each unit of the boot, with its
// name beside the bars; `<title>` elements have the details. Uses the light or dark colours of the reader's screen.
[[nodiscard]] std::string plot_view(const Boot& boot, const Machine& machine);

// The same for chrome://tracing and Perfetto: an array of complete events (Trace Event Format), in microseconds since
// the start of the kernel (in a container: of the init), one line for each unit.
[[nodiscard]] std::string trace_view(const Boot& boot);

// The output of `plot --json`: the rows of the chart from top to bottom, in microseconds since boot.
struct ChartRow {
    std::string unit, description;
    core::Kind kind = core::Kind::service;
    core::Phase state = core::Phase::down; // present state
    wire::FirstStart first;
    std::optional<std::string> waited_for; // the last unit that it waited for
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
    std::optional<std::int64_t> units_loaded, over; // nullopt: not yet
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

// ---- for the views
// ------------------------------------------------------------------------------------------------------

// The units of the boot in the order of their rows, and the time shown.
struct Chart {
    std::vector<std::size_t> rows;
    std::int64_t begin = 0, end = 0; // microseconds since boot
    bool kernel = false;             // the kernel's start belongs to the boot, and is shown
    bool over = false;               // the boot is over
    std::size_t later = 0;           // number of units that were wanted only after the boot
};
[[nodiscard]] Chart chart_of(const Boot& boot);
// The phases of a unit from `waiting` on; a phase that has not ended yet ends with the chart.
struct Phases {
    std::int64_t waiting = 0, starting = 0, up = 0, ended = 0;
    bool started = false, came_up = false, skipped = false, failed = false, runs = false;
};
[[nodiscard]] Phases phases_of(const Boot& boot, const Chart& chart, const BootUnit& unit);

} // namespace mi::ctl
