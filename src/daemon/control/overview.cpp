#include "daemon/control/overview.hpp"

#include "daemon/recovery/crash_overview.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace mi::daemon {

using core::Phase;
using core::UnitId;

std::optional<wire::ScheduledShutdown> told(const Parts& parts, const std::optional<ScheduledEnd>& end) {
    if (!end)
        return std::nullopt;
    const std::int64_t at =
        end->by_wall
            ? end->at
            : parts.kernel.wall_now().micros +
                  std::chrono::duration_cast<std::chrono::microseconds>(parts.machine.schedule.time_to(*end)).count();
    return wire::ScheduledShutdown{end->how, at, end->message, end->who, end->warn_only};
}

wire::Overview overview_of(const Parts& parts) {
    const core::Engine& engine = parts.engine;
    const core::Graph& graph = engine.graph();
    wire::Overview overview;
    overview.version = MINIINIT_VERSION;
    switch (parts.place.mode) {
    case Mode::system: overview.mode = wire::Mode::system; break;
    case Mode::user: overview.mode = wire::Mode::user; break;
    case Mode::automatic:
    case Mode::container: overview.mode = wire::Mode::container; break;
    }
    overview.pid = ::getpid();
    UnitId target = parts.catalog.boot_target.id();
    if (target != core::no_unit) {
        overview.target = graph.name(target);
        overview.target_reached = core::good(engine.record(target).phase);
    }
    overview.units = static_cast<std::uint32_t>(graph.count());
    std::size_t absent = 0; // wait for something that may never be there, and which no target asks for
    for (UnitId unit : graph.ids()) {
        absent += target == core::no_unit && engine.record(unit).presence == core::Presence::missing ? 1 : 0;
        if (Phase phase = engine.record(unit).phase; core::has_failed(phase, graph.unit(unit).masked))
            overview.failed.push_back(graph.name(unit));
        else if (phase == Phase::backoff)
            overview.backoff.push_back(graph.name(unit));
    }
    // What somebody has run, and not looked at yet, is no failure of the system.
    const bool degraded = std::ranges::any_of(overview.failed, [&](const std::string& name) {
        return !parts.catalog.transient.is_transient(graph.unit(graph.find(name)));
    });
    overview.state = engine.halting() ? wire::ManagerState::stopping
                     : !parts.catalog.boot_target.begun() && engine.coming_units() > absent
                         ? wire::ManagerState::starting
                     : degraded ? wire::ManagerState::degraded
                                : wire::ManagerState::running;
    overview.log_directory = parts.log.link.directory();
    const config::Source& source = parts.place.source;
    overview.config = source.config;
    overview.unit_directories = source.directories;
    if (!source.transient.empty())
        overview.unit_directories.push_back(source.transient);
    overview.insecure_units_allowed = source.allow_insecure;
    if (const std::string& note = parts.catalog.boot_target.note(); !note.empty())
        overview.notes.push_back(note);
    if (const std::string& last = parts.machine.boot_record.words(); !last.empty())
        overview.notes.push_back(last);
    overview.scheduled = told(parts, parts.machine.schedule.pending());
    if (const os::CrashGuard* guard = parts.guard)
        describe_crashes(guard->page(), overview);
    if (const std::string& left = parts.machine.shutdown_report.words(); !left.empty())
        overview.notes.push_back(left);
    overview.watchdog = parts.machine.hardware_watchdog.words();
    return overview;
}

} // namespace mi::daemon
