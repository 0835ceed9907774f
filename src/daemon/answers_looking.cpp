// What clients ask to see: of the manager, of units, of the boot.
#include "daemon/manager.hpp"

#include "core/explain.hpp"
#include "daemon/crash_report.hpp"
#include "os/probe.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_set>

namespace mi::daemon {

using core::Phase;
using core::UnitId;
using EngineEvent = core::Event;

void Manager::answer(CallId id, const Caller&, const wire::Ping&) { supervisor_.control()->reply(id, wire::Nothing{}); }

void Manager::answer(CallId id, const Caller&, const wire::GetOverview&) {
    const core::Engine& engine = supervisor_.engine();
    const core::Graph& graph = engine.graph();
    wire::Overview overview;
    overview.version = MINIINIT_VERSION;
    switch (supervisor_.place().mode) {
    case Mode::system: overview.mode = wire::Mode::system; break;
    case Mode::user: overview.mode = wire::Mode::user; break;
    case Mode::automatic:
    case Mode::container: overview.mode = wire::Mode::container; break;
    }
    overview.pid = ::getpid();
    UnitId target = graph.find(supervisor_.target());
    if (target != core::no_unit) {
        overview.target = graph.name(target);
        overview.target_reached = core::good(engine.record(target).phase);
    }
    overview.units = static_cast<std::uint32_t>(graph.size());
    for (UnitId unit = 0; unit < graph.size(); ++unit) {
        if (Phase phase = engine.record(unit).phase; phase == Phase::failed || phase == Phase::invalid)
            overview.failed.push_back(graph.name(unit));
        else if (phase == Phase::backoff)
            overview.backoff.push_back(graph.name(unit));
    }
    overview.state = engine.halting() ? wire::ManagerState::stopping
                     : target != core::no_unit && !overview.target_reached && engine.coming_units() > 0
                         ? wire::ManagerState::starting
                     : overview.failed.empty() ? wire::ManagerState::running
                                               : wire::ManagerState::degraded;
    overview.log_directory = supervisor_.logs().directory();
    const config::Source& source = supervisor_.place().source;
    overview.config = source.config;
    overview.unit_directories = source.directories;
    if (!source.transient.empty())
        overview.unit_directories.push_back(source.transient);
    overview.insecure_units_allowed = source.allow_insecure;
    if (const std::string& note = supervisor_.boot_note(); !note.empty())
        overview.notes.push_back(note);
    overview.scheduled = told(supervisor_.scheduled());
    if (const os::CrashGuard* guard = supervisor_.guard())
        tell_crashes(guard->page(), overview);
    if (const std::string& left = supervisor_.last_shutdown(); !left.empty())
        overview.notes.push_back(left);
    overview.watchdog = supervisor_.watchdog_words();
    supervisor_.control()->reply(id, overview);
}

void Manager::answer(CallId id, const Caller&, const wire::List& list) {
    // By name, so that it does not matter if units are read again before a slow client has read it all.
    std::vector<std::string> names;
    const core::Graph& graph = supervisor_.engine().graph();
    for (UnitId unit = 0; unit < graph.size(); ++unit)
        if (wire::listed(list, supervisor_.engine().record(unit).phase) && (!list.timers || graph.unit(unit).timer))
            names.push_back(graph.name(unit));
    std::sort(names.begin(), names.end());
    const Detail detail = list.usage ? Detail::usage : Detail::plain;
    supervisor_.control()->reply_units(
        id, [this, detail, names = std::move(names), next = std::size_t{0}](auto& status) mutable {
            while (next < names.size()) {
                UnitId unit = supervisor_.engine().graph().find(names[next++]);
                if (unit == core::no_unit)
                    continue;
                status = status_of(supervisor_, unit, detail);
                return true;
            }
            return false;
        });
}

void Manager::answer(CallId id, const Caller&, const wire::Status& status) {
    std::vector<UnitId> ids;
    if (!find(id, status.units, false, ids))
        return;
    wire::Units units;
    for (UnitId unit : ids)
        units.units.push_back(status_of(supervisor_, unit, Detail::all));
    supervisor_.control()->reply(id, units);
}

void Manager::answer(CallId id, const Caller&, const wire::Explain& explain) {
    std::vector<UnitId> ids;
    if (!find(id, {explain.unit}, false, ids))
        return;
    const core::Engine& engine = supervisor_.engine();
    supervisor_.control()->reply(id, wire::Explanation{engine.record(ids[0]).phase, core::explain(engine, ids[0])});
}

void Manager::answer(CallId id, const Caller&, const wire::Tree& tree) {
    const core::Engine& engine = supervisor_.engine();
    const core::Graph& graph = engine.graph();
    std::vector<UnitId> stack;
    if (tree.whole) {
        stack.resize(graph.size());
        std::iota(stack.begin(), stack.end(), UnitId{0});
    } else if (tree.unit) {
        if (!find(id, {*tree.unit}, false, stack))
            return;
    } else if (UnitId target = graph.find(supervisor_.target()); target != core::no_unit) {
        stack.push_back(target);
    } else {
        for (UnitId unit = 0; unit < graph.size(); ++unit)
            if (graph.needed_by(unit).empty())
                stack.push_back(unit);
    }
    wire::Branches branches;
    std::unordered_set<UnitId> seen(stack.begin(), stack.end());
    if (!tree.whole)
        for (UnitId unit : stack)
            branches.roots.push_back(graph.name(unit));
    while (!stack.empty()) {
        UnitId unit = stack.back();
        stack.pop_back();
        wire::TreeNode node{graph.name(unit), engine.record(unit).phase, {}, graph.unit(unit).kind};
        for (const core::Edge& edge : tree.reverse ? graph.needed_by(unit) : graph.needs(unit)) {
            if (edge.relation == core::Relation::after && !tree.order)
                continue;
            node.edges.push_back({edge.relation, graph.name(edge.unit)});
            if (seen.insert(edge.unit).second)
                stack.push_back(edge.unit);
        }
        if (tree.order)
            for (UnitId other : graph.conflicts(unit))
                node.edges.push_back({core::Relation::conflict, graph.name(other)});
        std::sort(node.edges.begin(), node.edges.end(), [](const auto& a, const auto& b) {
            return std::tie(a.relation, a.unit) < std::tie(b.relation, b.unit);
        });
        branches.nodes.push_back(std::move(node));
    }
    supervisor_.control()->reply(id, branches);
}

void Manager::answer(CallId id, const Caller&, const wire::Probe&) {
    wire::Features features;
    for (os::Finding& finding : os::probe(supervisor_.resources().tree()))
        features.features.push_back(
            {std::move(finding.feature), finding.present, std::move(finding.detail), std::move(finding.instead)});
    if (const std::string& trouble = supervisor_.resources().trouble(); !trouble.empty())
        features.features.push_back(
            {"cgroup for each run", false, trouble, "those runs are held together by session, without limits"});
    supervisor_.control()->reply(id, features);
}

void Manager::answer(CallId id, const Caller&, const wire::BootTimes&) {
    const core::Graph& graph = supervisor_.engine().graph();
    wire::Times times;
    times.init = micros(supervisor_.init_started());
    times.units_loaded = micros(supervisor_.units_loaded());
    if (supervisor_.target_reached() != Instant{})
        times.target_reached = micros(supervisor_.target_reached());
    for (UnitId unit = 0; unit < graph.size(); ++unit) {
        const Live& live = supervisor_.live(unit);
        const core::FirstStart& first = live.first;
        if (live.starting == Instant{} && first.waiting == Instant{})
            continue;
        wire::UnitTime time{graph.name(unit), micros(live.starting), {}, {}};
        if (live.starting != Instant{} && live.up >= live.starting)
            time.up = micros(live.up);
        auto moment = [](Instant at) { return at == Instant{} ? std::nullopt : std::optional(micros(at)); };
        if (first.waiting != Instant{})
            time.first = {micros(first.waiting), moment(first.starting), moment(first.up), moment(first.ended),
                          first.outcome};
        times.units.push_back(std::move(time));
    }
    supervisor_.control()->reply(id, times);
}

} // namespace mi::daemon
