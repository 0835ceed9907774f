// The content of the chart of a boot, and the same as a trace for other programs. plot.cpp draws the picture.
#include "base/clock.hpp"
#include "ctl/boot/plot.hpp"
#include "ctl/text/terminal.hpp"
#include "wire/json.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <tuple>

namespace mi::ctl {

namespace {

// One line of the trace.
class Trace {
public:
    explicit Trace(std::int64_t begin) : begin_(begin), writer_(text_, false) { writer_.open('['); }

    void name(std::string_view what, std::int64_t line, std::string_view name) {
        open(what, "M", line);
        writer_.key("args");
        writer_.open('{');
        member("name", name);
        writer_.close('}');
        writer_.close('}');
    }
    void span(std::string_view name, std::string_view category, std::int64_t line, std::int64_t from, std::int64_t to,
              std::initializer_list<std::pair<std::string_view, std::string_view>> args = {}) {
        if (to <= from)
            return;
        open(name, "X", line);
        member("cat", category);
        member("ts", from - begin_);
        member("dur", to - from);
        writer_.key("args");
        writer_.open('{');
        for (const auto& [key, value] : args)
            if (!value.empty())
                member(key, value);
        writer_.close('}');
        writer_.close('}');
    }
    std::string text() {
        writer_.close(']');
        return text_ + "\n";
    }

private:
    void open(std::string_view name, std::string_view kind, std::int64_t line) {
        writer_.element();
        text_ += '\n'; // one line for each event, for people with an editor
        writer_.open('{');
        member("name", name);
        member("ph", kind);
        member("pid", std::int64_t{1});
        member("tid", line);
    }
    void member(std::string_view key, std::string_view value) {
        writer_.key(key);
        writer_.text(value);
    }
    void member(std::string_view key, std::int64_t value) {
        writer_.key(key);
        writer_.number(value);
    }

    std::string text_;
    std::int64_t begin_;
    wire::JsonWriter writer_;
};

} // namespace

Machine this_machine() {
    Machine machine;
    utsname names{};
    if (::uname(&names) == 0) {
        machine.host = names.nodename;
        machine.kernel = std::string(names.sysname) + " " + names.release + " " + names.machine;
    }
    machine.booted_realtime = wall_now().micros - micros(monotonic_now());
    return machine;
}

Chart chart_of(const Boot& boot) {
    Chart chart;
    chart.kernel = boot.overview.mode == wire::Mode::system;
    chart.begin = chart.kernel ? 0 : boot.init;
    chart.over = boot.end.has_value();
    chart.end = boot.end.value_or(boot.now);
    for (std::size_t i = 0; i < boot.units.size(); ++i) {
        const BootUnit& unit = boot.units[i];
        if (boot.took_part(unit))
            chart.rows.push_back(i);
        else
            chart.later += unit.first.has_value();
        // A unit of this boot may be up only after the end of the boot, if no other unit had to wait for it.
        if (boot.took_part(unit) && chart.over)
            chart.end = std::max(chart.end, settled(unit).value_or(chart.end));
    }
    // A start that hangs for hours must not compress everything else: after the last event, show at most as much time
    // as before it.
    std::int64_t last = boot.end.value_or(boot.units_loaded.value_or(boot.init));
    for (std::size_t row : chart.rows)
        if (const BootUnit& unit = boot.units[row]; !chart.over)
            last = std::max(last, settled(unit).value_or(unit.first->starting.value_or(unit.first->waiting)));
    chart.end = std::min(chart.end, last + std::max<std::int64_t>(last - chart.begin, 1'000'000));
    chart.end = std::max(chart.end, chart.begin + 1000);
    // A little more time, so that the last unit is visibly up.
    chart.end += (chart.end - chart.begin) / 30;
    auto key = [&](std::size_t row) {
        const BootUnit& unit = boot.units[row];
        return std::tuple(unit.first->starting.value_or(settled(unit).value_or(chart.end)),
                          settled(unit).value_or(chart.end), std::string_view(unit.name));
    };
    std::ranges::sort(chart.rows, {}, key);
    return chart;
}

Phases phases_of(const Boot& boot, const Chart& chart, const BootUnit& unit) {
    const wire::FirstStart& first = *unit.first;
    auto shown = [&](std::int64_t at) { return std::clamp(at, chart.begin, chart.end); };
    Phases phases;
    phases.started = first.starting.has_value();
    phases.came_up = first.up.has_value();
    phases.skipped = first.outcome == core::Phase::skipped;
    phases.failed = first.ended && !first.up;
    const std::int64_t until = settled(unit).value_or(boot.now);
    phases.waiting = shown(first.waiting);
    phases.starting = shown(first.starting.value_or(until));
    phases.up = shown(until);
    // a oneshot that is done neither delays others nor runs
    phases.runs =
        phases.came_up && !phases.skipped && first.outcome != core::Phase::done && unit.kind == core::Kind::service;
    phases.ended = phases.runs ? shown(first.ended.value_or(chart.end)) : phases.up;
    return phases;
}

ChartTold chart_told(const Boot& boot, const Machine& machine) {
    ChartTold told{.host = machine.host,
                   .kernel = machine.kernel,
                   .version = boot.overview.version,
                   .target = boot.overview.target,
                   .init = boot.init,
                   .booted_realtime = machine.booted_realtime,
                   .units_loaded = boot.units_loaded,
                   .over = boot.end,
                   .units = {}};
    std::vector<bool> critical(boot.units.size());
    if (const auto goal = boot.goal())
        for (const ChainLink& link : chain_of(boot, *goal))
            critical[link.unit] = true;
    for (std::size_t row : chart_of(boot).rows) {
        const BootUnit& unit = boot.units[row];
        ChartRow& one = told.units.emplace_back(
            ChartRow{unit.name, unit.description, unit.kind, unit.state, *unit.first, {}, critical[row]});
        if (const auto last = waited_for(boot, row))
            one.waited_for = boot.units[*last].name;
    }
    return told;
}

std::string trace_view(const Boot& boot) {
    const Chart chart = chart_of(boot);
    Trace trace(chart.begin);
    trace.name("process_name", 0, "boot");
    const std::int64_t loaded = boot.units_loaded.value_or(boot.init);
    if (chart.kernel) {
        trace.name("thread_name", 1, "kernel");
        trace.span("kernel", "kernel", 1, 0, boot.init);
    }
    trace.name("thread_name", 2, "init");
    trace.span("init", "init", 2, boot.init, loaded);
    trace.span("units", "init", 2, loaded, boot.end.value_or(chart.end), {{"target", boot.overview.target}});
    std::int64_t line = 3;
    for (std::size_t row : chart.rows) {
        const BootUnit& unit = boot.units[row];
        const Phases phases = phases_of(boot, chart, unit);
        trace.name("thread_name", line, unit.name);
        trace.span("waiting", "waiting", line, phases.waiting, phases.starting);
        trace.span(unit.name, "starting", line, phases.starting, phases.up,
                   {{"outcome", wire::word(unit.first->outcome)},
                    {"description", unit.description},
                    {"reason", phases.came_up ? std::string_view{} : unit.reason}});
        trace.span("up", "up", line, phases.up, phases.ended);
        ++line;
    }
    return trace.text();
}

} // namespace mi::ctl
