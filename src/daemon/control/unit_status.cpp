#include "daemon/control/unit_status.hpp"

#include "base/clock.hpp"
#include "base/join.hpp"
#include "calendar/timer.hpp"
#include "config/syntax.hpp"
#include "core/explain.hpp"
#include "daemon/parts.hpp"
#include "daemon/units/systemd_units.hpp"
#include "loop/loop.hpp"

#include <algorithm>

namespace mi::daemon {

namespace {

std::int64_t micros(Span span) { return std::chrono::duration_cast<std::chrono::microseconds>(span).count(); }

wire::Dependencies dependencies_of(const core::Graph& graph, core::UnitId id) {
    wire::Dependencies result;
    for (const core::Edge& edge : graph.needs(id)) {
        const std::string& other = graph.name(edge.unit);
        switch (edge.relation) {
        case core::Relation::requirement: result.requires_.push_back(other); break;
        case core::Relation::want: result.wants.push_back(other); break;
        case core::Relation::milestone: result.milestones.push_back(other); break;
        default: result.after.push_back(other); break;
        }
    }
    for (const core::Edge& edge : graph.needed_by(id)) {
        const std::string& other = graph.name(edge.unit);
        switch (edge.relation) {
        case core::Relation::requirement: result.required_by.push_back(other); break;
        case core::Relation::want:
        case core::Relation::milestone: result.wanted_by.push_back(other); break;
        default: result.before.push_back(other); break;
        }
    }
    for (core::UnitId other : graph.conflicts(id))
        result.conflicts.push_back(graph.name(other));
    for (core::UnitId whole : graph.part_of(id))
        result.part_of.push_back(graph.name(whole));
    for (core::UnitId other : graph.reloads_with(id))
        result.reload_with.push_back(graph.name(other));
    for (auto* list : {&result.requires_, &result.wants, &result.milestones, &result.after, &result.before,
                       &result.conflicts, &result.required_by, &result.wanted_by, &result.part_of, &result.reload_with})
        std::sort(list->begin(), list->end());
    return result;
}

// "every 1h, Mon..Fri *-*-* 04:00:00".
std::string timer_words(const calendar::Timer& timer) {
    std::string words;
    auto add = [&](const std::string& more) { join_to(words, more); };
    for (const calendar::Calendar& calendar : timer.calendar)
        add(calendar::text(calendar));
    if (timer.every > Span{0})
        add("every " + config::duration_text(timer.every));
    if (timer.after_boot)
        add(config::duration_text(*timer.after_boot) + " after boot");
    if (timer.jitter > Span{0})
        add("up to " + config::duration_text(timer.jitter) + " later");
    if (timer.persistent)
        add("persistent");
    return words;
}

// Its file has been read again, and says something else than when it was started.
bool changed_on_disk(const Parts& parts, core::UnitId id) {
    const std::uint64_t started_as = parts.units[id].digest;
    if (const core::Unit* later = parts.engine.later(id))
        return later->fault.empty(); // of one that cannot be used, a restart would be the end
    return core::active(parts.engine.record(id).phase) && started_as != 0 &&
           parts.engine.graph().unit(id).fault.empty() && started_as != parts.engine.graph().unit(id).digest;
}

// Of one that runs: that it can only be stopped.
std::string file_trouble(const core::Engine& engine, core::UnitId id) {
    const core::Unit& read = engine.last_read(id);
    if (!core::active(engine.record(id).phase))
        return {};
    if (engine.is_gone(id))
        return "its file is gone";
    if (engine.later(id) != nullptr && read.masked)
        return "it is masked now";
    return read.fault.empty() ? std::string() : "its file is invalid now: " + read.fault;
}

// What runs it: its sockets, and its timer.
void add_triggers(const Parts& parts, core::UnitId id, wire::UnitStatus& status) {
    const core::Unit& unit = parts.engine.graph().unit(id);
    for (const OpenSocket& one : parts.units[id].sockets) {
        const ConnectionCount count = parts.run.activation.connections().count(id, one.settings);
        status.sockets.push_back({.kind = std::string(kind_name(one.settings.kind)),
                                  .address = one.settings.address,
                                  .name = descriptor_name(unit, one.settings),
                                  .accept = one.settings.accept,
                                  .connections = count.now,
                                  .most = one.settings.accept ? one.settings.max_connections : 0,
                                  .accepted = static_cast<std::int64_t>(count.all)});
    }
    if (!unit.timer)
        return;
    status.timer = timer_words(*unit.timer);
    const Timers::Told told = parts.run.timers.timers().told(id);
    if (told.next)
        status.next_realtime = told.next->micros;
    if (told.last)
        status.last_run_realtime = told.last->micros;
}

// Not in every list: a thousand units are thousands of files to read.
void add_usage(const Parts& parts, core::UnitId id, bool all, wire::UnitStatus& status) {
    const core::Unit& unit = parts.engine.graph().unit(id);
    if (all) {
        status.dependencies = dependencies_of(parts.engine.graph(), id);
        status.lost = lost_in_conversion(parts.place, unit);
    }
    if (!core::active(parts.engine.record(id).phase) || unit.kind != core::Kind::service)
        return;
    os::CgroupUsage usage;
    if (parts.process.processes.uses_session(id)) {
        usage = parts.process.summed_usage.of(id);
        if (usage.tasks)
            status.summed = {"memory_bytes", "cpu_usec", "tasks"};
    } else {
        usage = parts.process.resources.usage(unit.name, all);
        if (!usage.memory && usage.cpu_usec) // the kernel has no controller for it here
            if (const auto members = parts.process.processes.cgroups()->pids(unit.name); members && !members->empty()) {
                usage.memory = parts.process.summed_usage.of(*members).memory;
                if (usage.memory)
                    status.summed = {"memory_bytes"};
            }
    }
    status.memory_bytes = usage.memory;
    status.memory_peak_bytes = usage.memory_peak;
    status.cpu_usec = usage.cpu_usec;
    status.tasks = usage.tasks;
}

} // namespace

wire::UnitStatus status_of(const Parts& parts, core::UnitId id, Detail detail) {
    const core::Engine& engine = parts.engine;
    const core::Unit& unit = engine.graph().unit(id);
    const core::Record& record = engine.record(id);
    const UnitRun& live = parts.units[id];
    Instant now = parts.kernel.now();
    wire::UnitStatus status;
    status.name = unit.name;
    status.kind = unit.kind;
    status.description = unit.description;
    status.state = record.phase;
    if (record.stage != core::Stage::none)
        status.stage = record.stage;
    status.since_monotonic = micros(record.since.since_boot);
    status.since_realtime = record.since == Instant{} ? 0 : parts.kernel.wall_now().micros - micros(now - record.since);
    status.reason = core::reason(engine, id);
    if (const std::string words = file_trouble(engine, id); !words.empty())
        status.reason += (status.reason.empty() ? "" : "; ") + words;
    status.reason_kind = record.reason;
    if (const core::UnitId cause = core::cause(engine, id); cause != core::no_unit)
        status.cause = engine.graph().name(cause);
    if (record.main_pid > 0)
        status.main_pid = record.main_pid;
    if (record.hook_pid > 0) {
        status.hook_pid = record.hook_pid;
        status.hook = record.hook;
    }
    status.restarts = record.restarts;
    status.tries = record.tries;
    status.last_exit = wire::told(record.last_exit);
    if (!live.status.empty())
        status.status_text = live.status;
    if (!live.trouble.empty())
        status.error_text = live.trouble;
    status.stored_descriptors = static_cast<std::uint32_t>(live.stored.size());
    if (record.deadline != never && record.phase != core::Phase::up) // the watchdog's is of no interest
        status.left_ms = std::max<std::int64_t>(0, micros(record.deadline - now) / 1000);
    const bool gone = engine.is_gone(id);
    if (!unit.source.empty() && !gone)
        status.file = unit.source;
    status.enabled = unit.enabled && !gone;
    status.masked = engine.last_read(id).masked;
    status.triggered = core::triggered(unit);
    status.transient = parts.catalog.transient.is_transient(unit);
    status.changed = changed_on_disk(parts, id);
    status.log_lines = static_cast<std::int64_t>(live.log_lines);
    status.log_lost_lines = static_cast<std::int64_t>(live.log_lost_lines);
    status.frozen = parts.process.processes.frozen(id);
    status.health = record.health;
    status.not_in_force = live.lacks;
    add_triggers(parts, id, status);
    if (detail != Detail::plain)
        add_usage(parts, id, detail == Detail::all, status);
    return status;
}

} // namespace mi::daemon
