#include "daemon/manager.hpp"

#include "base/text.hpp"
#include "core/explain.hpp"
#include "daemon/crash_report.hpp"
#include "daemon/faults.hpp"
#include "os/mounts.hpp"
#include "os/probe.hpp"
#include "os/shutdown.hpp"
#include "os/switch_root.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

namespace mi::daemon {

using core::Phase;
using core::UnitId;
using EngineEvent = core::Event;

namespace {

constexpr std::size_t most_idle_instances = 256;

std::int64_t micros(Instant at) { return std::chrono::duration_cast<std::chrono::microseconds>(at.since_boot).count(); }

// Phases that a unit leaves by itself.
bool transient(Phase phase) {
    return phase == Phase::waiting || phase == Phase::starting || phase == Phase::stopping || phase == Phase::reloading;
}

// Who asks, as people are told: as they say themselves, for only those who may act get as far as that.
std::string name_of(const Caller& caller, const std::optional<std::string>& said) {
    return said && !said->empty() ? *said : "user " + std::to_string(caller.uid);
}

} // namespace

void Manager::call(CallId id, const Caller& caller, wire::Request request) {
    supervisor_.take_barrier();
    std::visit([&](const auto& one) { answer(id, caller, one); }, request);
}

void Manager::gone(CallId id) {
    jobs_.erase(id);
    subscriptions_.erase(id);
}

bool Manager::find(CallId id, const std::vector<std::string>& names, bool startable, std::vector<UnitId>& ids) {
    for (const std::string& name : names) {
        // Whoever only looks, which is anybody, reads no file, but makes instances of templates as long as few lie idle.
        UnitId unit = supervisor_.engine().graph().find(name);
        if (startable || (name.contains('@') && supervisor_.idle_instances() < most_idle_instances))
            unit = supervisor_.find_or_make(name);
        const core::Graph& graph = supervisor_.engine().graph();
        if (unit == core::no_unit || (graph.unit(unit).source.empty() && !graph.unit(unit).fault.empty())) {
            std::vector<std::string_view> known;
            for (UnitId other = 0; other < graph.size(); ++other)
                if (other != unit)
                    known.push_back(graph.name(other));
            wire::NoSuchUnit error{name, {}};
            if (std::string_view near = nearest(name, known); !near.empty())
                error.nearest = near;
            supervisor_.control()->error(id, error);
            return false;
        }
        if (startable && graph.unit(unit).masked) {
            supervisor_.control()->error(id, wire::Masked{name});
            return false;
        }
        if (startable && !graph.unit(unit).fault.empty()) {
            supervisor_.control()->error(id, wire::InvalidUnit{name, graph.unit(unit).fault});
            return false;
        }
        ids.push_back(unit);
    }
    return true;
}

void Manager::begin(CallId id, const Caller& caller, Goal goal, const std::vector<UnitId>& ids, bool wait) {
    const core::Engine& engine = supervisor_.engine();
    if (!wait) {
        wire::Progress progress;
        for (UnitId unit : ids)
            progress.results.push_back({engine.graph().name(unit), true, engine.record(unit).phase, ""});
        supervisor_.control()->reply(id, progress);
        return;
    }
    Job job{.goal = goal, .more = caller.more};
    for (UnitId unit : ids)
        job.units.push_back(engine.graph().name(unit));
    jobs_[id] = std::move(job);
    moved_ = true; // it may be as asked already
}

bool Manager::tell(CallId call, wire::ClientImage& image) const {
    if (auto at = subscriptions_.find(call); at != subscriptions_.end()) {
        image.units = at->second.units;
        return true;
    }
    auto at = jobs_.find(call);
    if (at == jobs_.end())
        return false;
    image.goal = static_cast<std::uint8_t>(1 + static_cast<int>(at->second.goal));
    image.units = at->second.units;
    image.state = at->second.state;
    return true;
}

void Manager::adopt(const wire::ClientImage& image) {
    const CallId call{image.call};
    if (image.goal == 0) {
        subscriptions_[call] = {image.units};
    } else if (image.goal == 1 + static_cast<int>(Goal::reexec)) {
        supervisor_.control()->reply(call, wire::Nothing{});
    } else if (image.goal <= 1 + static_cast<int>(Goal::end)) {
        jobs_[call] = {
            .goal = static_cast<Goal>(image.goal - 1), .units = image.units, .state = image.state, .more = image.more};
        moved_ = true;
    } else {
        supervisor_.control()->error(call,
                                     wire::NotSupported{"the manager is another one now, and does not know this call"});
    }
}

// --- looking ----------------------------------------------------------------------------------------------------------

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

// --- acting -----------------------------------------------------------------------------------------------------------

void Manager::answer(CallId id, const Caller& caller, const wire::Start& start) {
    std::vector<UnitId> ids;
    if (supervisor_.engine().halting())
        return supervisor_.control()->error(id, wire::ShuttingDown{});
    if (!find(id, start.units, true, ids))
        return;
    for (UnitId unit : ids)
        supervisor_.tell({.kind = EngineEvent::Kind::start, .unit = unit});
    begin(id, caller, Goal::start, ids, start.wait);
}

void Manager::answer(CallId id, const Caller& caller, const wire::Stop& stop) {
    std::vector<UnitId> ids;
    if (!find(id, stop.units, false, ids))
        return;
    for (UnitId unit : ids)
        supervisor_.tell({.kind = EngineEvent::Kind::stop, .unit = unit});
    begin(id, caller, Goal::stop, ids, stop.wait);
}

void Manager::answer(CallId id, const Caller& caller, const wire::Restart& restart) {
    std::vector<UnitId> ids;
    if (supervisor_.engine().halting())
        return supervisor_.control()->error(id, wire::ShuttingDown{});
    if (!find(id, restart.units, true, ids))
        return;
    for (UnitId unit : ids)
        supervisor_.tell({.kind = EngineEvent::Kind::restart, .unit = unit});
    begin(id, caller, Goal::restart, ids, restart.wait);
}

void Manager::answer(CallId id, const Caller& caller, const wire::TryRestart& restart) {
    std::vector<UnitId> ids, running;
    if (supervisor_.engine().halting())
        return supervisor_.control()->error(id, wire::ShuttingDown{});
    if (!find(id, restart.units, false, ids))
        return;
    for (UnitId unit : ids)
        if (core::active(supervisor_.engine().record(unit).phase)) {
            running.push_back(unit);
            supervisor_.tell({.kind = EngineEvent::Kind::restart, .unit = unit});
        }
    begin(id, caller, Goal::restart, running, restart.wait);
}

void Manager::answer(CallId id, const Caller& caller, const wire::Reload& reload) {
    std::vector<UnitId> ids;
    if (!find(id, reload.units, true, ids))
        return;
    for (UnitId unit : ids)
        if (Phase phase = supervisor_.engine().record(unit).phase; phase != Phase::up)
            return supervisor_.control()->error(id, wire::NotRunning{supervisor_.engine().graph().name(unit), phase});
    for (UnitId unit : ids) {
        // What is frozen gets to no command, and one beside it would be frozen with it. A signal waits.
        const core::Hooks* hooks = supervisor_.engine().graph().unit(unit).service.hooks.get();
        if (supervisor_.processes().frozen(unit) && hooks != nullptr && !hooks->reload.empty())
            return supervisor_.control()->error(
                id, wire::JobFailed{supervisor_.engine().graph().name(unit), Phase::up, "it is frozen"});
    }
    for (UnitId unit : ids)
        supervisor_.tell({.kind = EngineEvent::Kind::reload, .unit = unit});
    begin(id, caller, Goal::reload, ids, reload.wait);
}

void Manager::answer(CallId id, const Caller&, const wire::Signal& signal) {
    std::vector<UnitId> ids;
    if (!find(id, {signal.unit}, false, ids))
        return;
    if (signal.signal < 1 || signal.signal > SIGRTMAX)
        return supervisor_.control()->error(id, wire::InvalidParameter{"signal"});
    if (auto sent = supervisor_.signal_unit(ids[0], signal.signal, signal.all); !sent)
        return supervisor_.control()->error(id,
                                            wire::NotRunning{signal.unit, supervisor_.engine().record(ids[0]).phase});
    supervisor_.control()->reply(id, wire::Nothing{});
}

void Manager::answer(CallId id, const Caller&, const wire::Freeze& freeze) { set_frozen(id, freeze.units, true); }

void Manager::answer(CallId id, const Caller&, const wire::Thaw& thaw) { set_frozen(id, thaw.units, false); }

// Only what is up: what is on its way somewhere has a time limit, or a command that is waited for.
void Manager::set_frozen(CallId id, const std::vector<std::string>& units, bool frozen) {
    std::vector<UnitId> ids;
    if (!find(id, units, false, ids))
        return;
    const core::Engine& engine = supervisor_.engine();
    for (UnitId unit : ids)
        if (engine.record(unit).phase != Phase::up || engine.record(unit).main_pid <= 0)
            return supervisor_.control()->error(id,
                                                wire::NotRunning{engine.graph().name(unit), engine.record(unit).phase});
    for (UnitId unit : ids)
        if (auto done = supervisor_.freeze_unit(unit, frozen); !done)
            return supervisor_.control()->error(
                id, wire::JobFailed{engine.graph().name(unit), Phase::up, done.error().text()});
    supervisor_.control()->reply(id, wire::Nothing{});
}

void Manager::answer(CallId id, const Caller&, const wire::Reset& reset) {
    std::vector<UnitId> ids;
    if (!find(id, reset.units, false, ids))
        return;
    if (reset.units.empty())
        for (UnitId unit = 0; unit < supervisor_.engine().graph().size(); ++unit)
            ids.push_back(unit);
    // A transient unit that failed was kept only to be looked at: it is not tried again, it goes.
    for (UnitId unit : ids) {
        const bool goes = supervisor_.engine().record(unit).phase == Phase::failed &&
                          supervisor_.is_transient(supervisor_.engine().graph().unit(unit));
        supervisor_.tell({.kind = goes ? EngineEvent::Kind::stop : EngineEvent::Kind::reset, .unit = unit});
    }
    supervisor_.control()->reply(id, wire::Nothing{});
}

void Manager::answer(CallId id, const Caller& caller, const wire::Wait& wait) {
    std::vector<UnitId> ids;
    if (!find(id, {wait.unit}, false, ids))
        return;
    jobs_[id] = Job{.goal = Goal::state,
                    .units = {supervisor_.engine().graph().name(ids[0])},
                    .state = wait.state,
                    .more = caller.more};
    moved_ = true;
}

void Manager::answer(CallId id, const Caller& caller, const wire::Target& target) {
    std::vector<UnitId> ids;
    if (supervisor_.engine().halting())
        return supervisor_.control()->error(id, wire::ShuttingDown{});
    if (!find(id, {target.name}, true, ids))
        return;
    supervisor_.isolate(target.name);
    begin(id, caller, Goal::isolate, ids, target.wait);
}

void Manager::answer(CallId id, const Caller&, const wire::Events& events) {
    std::vector<UnitId> ids;
    if (!find(id, events.units.value_or(std::vector<std::string>{}), false, ids))
        return;
    Subscription subscription;
    for (UnitId unit : ids)
        subscription.units.push_back(supervisor_.engine().graph().name(unit));
    subscriptions_[id] = std::move(subscription);
}

void Manager::answer(CallId id, const Caller&, const wire::ReloadUnits&) {
    Supervisor::Reread reread = supervisor_.reread();
    wire::Changes changes{std::move(reread.added), std::move(reread.changed), std::move(reread.removed),
                          std::move(reread.problems)};
    supervisor_.control()->reply(id, changes);
    moved_ = true;
}

// What is said of a scheduled end.
std::optional<wire::ScheduledShutdown> Manager::told(const std::optional<ScheduledEnd>& end) const {
    if (!end)
        return std::nullopt;
    const std::int64_t at =
        end->by_wall ? end->at
                     : loop::wall_now().micros +
                           std::chrono::duration_cast<std::chrono::microseconds>(supervisor_.time_to(*end)).count();
    return wire::ScheduledShutdown{end->how, at, end->message, end->who, end->warn_only};
}

void Manager::answer(CallId id, const Caller& caller, const wire::Shutdown& shutdown) {
    constexpr std::int64_t longest = 10 * 366 * std::int64_t{86'400}; // seconds
    const std::int64_t in = shutdown.in_seconds.value_or(0), at = shutdown.at_realtime.value_or(0);
    if (in < 0 || in > longest)
        return supervisor_.control()->error(id, wire::InvalidParameter{"in_seconds"});
    if (at < 0 || at > loop::wall_now().micros + longest * 1'000'000 || (shutdown.in_seconds && shutdown.at_realtime))
        return supervisor_.control()->error(id, wire::InvalidParameter{"at_realtime"});
    if ((in > 0 || at > 0) && supervisor_.engine().halting())
        return supervisor_.control()->error(id, wire::ShuttingDown{});
    if (shutdown.how == wire::Ending::kexec && supervisor_.place().system() && !shutdown.warn_only &&
        !os::kexec_loaded())
        return supervisor_.control()->error(
            id, wire::NotSupported{"no kernel is loaded: `kexec -l KERNEL --initrd=FILE --reuse-cmdline` loads one"});
    ScheduledEnd end{.how = shutdown.how,
                     .by_wall = at > 0,
                     .at = at > 0 ? at : micros(loop::now()) + in * 1'000'000,
                     .message = shutdown.message.value_or(""),
                     .who = name_of(caller, shutdown.who),
                     .no_wall = shutdown.no_wall,
                     .warn_only = shutdown.warn_only};
    auto before = told(supervisor_.schedule(std::move(end)));
    supervisor_.control()->reply(id, wire::Schedule{told(supervisor_.scheduled()), std::move(before)});
}

void Manager::answer(CallId id, const Caller& caller, const wire::CancelShutdown& cancel) {
    auto before =
        told(supervisor_.cancel_scheduled(name_of(caller, cancel.who), cancel.message.value_or(""), cancel.no_wall));
    supervisor_.control()->reply(id, wire::Schedule{{}, std::move(before)});
}

void Manager::answer(CallId id, const Caller&, const wire::SwitchRoot& to) {
    if (supervisor_.place().mode != Mode::system)
        return supervisor_.control()->error(id, wire::NotSupported{"only the init of a machine can do this"});
    if (supervisor_.engine().halting())
        return supervisor_.control()->error(id, wire::ShuttingDown{});
    NewRoot root{to.root, to.init.value_or("")};
    // Who asks has looked for himself; where looking could mean waiting, that has to do.
    if (root.init.empty() || !os::HangingMounts().cover(root.root)) {
        auto init = os::check_new_root(root.root, root.init);
        if (!init)
            return supervisor_.control()->error(id, wire::NotSupported{init.error().text()});
        root.init = *init;
    }
    jobs_[id] = {.goal = Goal::switch_root};
    if (std::string refused = supervisor_.switch_root(std::move(root)); !refused.empty()) {
        jobs_.erase(id);
        supervisor_.control()->error(id, wire::NotSupported{std::move(refused)});
    }
}

void Manager::switching_root(bool begins) {
    std::erase_if(jobs_, [&](const auto& job) {
        if (job.second.goal != Goal::switch_root)
            return false;
        if (begins)
            supervisor_.control()->reply(job.first, wire::Nothing{});
        else
            supervisor_.control()->error(job.first, wire::ShuttingDown{});
        return true;
    });
}

void Manager::answer(CallId id, const Caller& caller, const wire::Run& run) {
    if (supervisor_.engine().halting())
        return supervisor_.control()->error(id, wire::ShuttingDown{});
    auto unit = supervisor_.make_transient(run.name, run.unit);
    if (!unit)
        return supervisor_.control()->error(id, wire::InvalidUnit{run.name, unit.error()});
    supervisor_.tell({.kind = EngineEvent::Kind::start, .unit = *unit});
    begin(id, caller, run.to_the_end ? Goal::end : Goal::start, {*unit}, run.wait || run.to_the_end);
}

void Manager::answer(CallId id, const Caller&, const wire::Reexec&) {
    if (std::string refused = supervisor_.reexec(); !refused.empty())
        return supervisor_.control()->error(id, wire::NotSupported{std::move(refused)});
    jobs_[id] = {.goal = Goal::reexec}; // answered by the one that comes
}

void Manager::not_reexecuted(const std::string& why) {
    for (auto at = jobs_.begin(); at != jobs_.end();)
        if (at->second.goal == Goal::reexec) {
            supervisor_.control()->error(at->first, wire::NotSupported{why});
            at = jobs_.erase(at);
        } else {
            ++at;
        }
}

void Manager::answer(CallId id, const Caller& caller, const wire::Crash& crash) {
    if (caller.uid != 0 && caller.uid != ::getuid())
        return supervisor_.control()->error(id, wire::PermissionDenied{"Crash"});
    if (!supervisor_.debug_faults())
        return supervisor_.control()->error(id, wire::NotSupported{"the init was not started with --debug-faults"});
    commit_fault(crash.kind);
    supervisor_.control()->error(id, wire::InvalidParameter{"kind"});
}

// --- what happened ----------------------------------------------------------------------------------------------------

bool Manager::settled(Goal goal, UnitId unit, wire::JobResult& result) const {
    const core::Engine& engine = supervisor_.engine();
    const core::Record& record = engine.record(unit);
    const core::Facts& facts = engine.facts(unit);
    Phase phase = record.phase;
    result.state = phase;
    switch (goal) {
    case Goal::stop:
        if (record.asked != core::Asked::down && facts.wanted) {
            result.message = "it was started again meanwhile";
            break;
        }
        if (phase == Phase::stopping || core::active(phase))
            return false;
        result.ok = true;
        break;
    case Goal::reload:
        if (phase == Phase::reloading)
            return false;
        result.ok = phase == Phase::up && record.detail.empty();
        if (!result.ok)
            result.message = record.detail;
        break;
    case Goal::restart:
        if (record.cycle)
            return false;
        [[fallthrough]];
    case Goal::isolate:
        // A target is also all that it leaves out.
        if (goal == Goal::isolate)
            for (UnitId other = 0; other < engine.graph().size(); ++other)
                if (core::active(engine.record(other).phase) && !engine.facts(other).wanted)
                    return false;
        [[fallthrough]];
    case Goal::start:
        // One that waits for what nobody is going to bring up will not come by itself.
        if (transient(phase) && !(phase == Phase::waiting && facts.wanted && !facts.coming))
            return false;
        if (phase == Phase::down && facts.coming)
            return false;
        // A service that ran to its good end at once did start.
        result.ok = core::good(phase) || (phase == Phase::down && record.resting);
        break;
    case Goal::end:
        if (transient(phase) || phase == Phase::up || phase == Phase::backoff || (phase == Phase::down && facts.coming))
            return false;
        result.ok = phase != Phase::failed && phase != Phase::invalid;
        result.last_exit = wire::told(record.last_exit);
        break;
    case Goal::state:
    case Goal::switch_root:
    case Goal::reexec: return false; // others answer these
    }
    if (!result.ok && result.message.empty()) {
        std::vector<std::string> sentences = core::explain(engine, unit);
        for (const std::string& sentence : sentences)
            result.message += (result.message.empty() ? "" : " ") + sentence;
    }
    return true;
}

wire::Event Manager::event_of(UnitId unit, Phase from, Phase to) const {
    const core::Engine& engine = supervisor_.engine();
    const core::Record& record = engine.record(unit);
    wire::Event event;
    event.kind = wire::EventKind::state;
    event.realtime = loop::wall_now().micros;
    event.monotonic = micros(loop::now());
    event.unit = engine.graph().name(unit);
    event.from = from;
    event.state = to;
    if (record.phase == to) {
        if (record.stage != core::Stage::none)
            event.stage = record.stage;
        event.reason = core::reason(engine, unit);
        if (record.deadline != never && to != Phase::up) // as in a status: the watchdog's is of no interest
            event.left_ms = std::max<std::int64_t>(0, micros(record.deadline) - event.monotonic) / 1000;
    }
    if (record.main_pid > 0)
        event.main_pid = record.main_pid;
    if (to == Phase::stopping || to == Phase::backoff || to == Phase::failed || to == Phase::down)
        event.last_exit = wire::told(record.last_exit);
    return event;
}

void Manager::publish(const wire::Event& event) {
    ControlServer* control = supervisor_.control();
    if (control == nullptr)
        return;
    std::vector<CallId> hearers;
    for (const auto& [id, subscription] : subscriptions_)
        if (subscription.units.empty() || (event.unit && std::find(subscription.units.begin(), subscription.units.end(),
                                                                   *event.unit) != subscription.units.end()))
            hearers.push_back(id);
    if (!hearers.empty())
        control->broadcast(hearers, wire::EventReply{event});
    if (event.kind != wire::EventKind::state)
        return;
    hearers.clear();
    for (const auto& [id, job] : jobs_)
        if (job.more && job.goal != Goal::state)
            hearers.push_back(id);
    if (!hearers.empty())
        control->broadcast(hearers, wire::Progress{event, {}});
}

void Manager::changed(UnitId unit, Phase from, Phase to) {
    moved_ = true;
    if (!subscriptions_.empty() || !jobs_.empty())
        publish(event_of(unit, from, to));
}

void Manager::status_changed(UnitId unit) {
    if (subscriptions_.empty())
        return;
    wire::Event event;
    event.kind = wire::EventKind::status;
    event.realtime = loop::wall_now().micros;
    event.monotonic = micros(loop::now());
    event.unit = supervisor_.engine().graph().name(unit);
    event.text = supervisor_.live(unit).status;
    publish(event);
}

void Manager::announced(const std::string& text) {
    if (subscriptions_.empty())
        return;
    wire::Event event;
    event.kind = wire::EventKind::manager;
    event.realtime = loop::wall_now().micros;
    event.monotonic = micros(loop::now());
    event.text = text;
    publish(event);
}

void Manager::turn_ended() {
    if (!std::exchange(moved_, false) || jobs_.empty())
        return;
    ControlServer* control = supervisor_.control();
    const core::Graph& graph = supervisor_.engine().graph();
    std::vector<CallId> done;
    for (const auto& [id, job] : jobs_) {
        if (job.goal == Goal::state) {
            UnitId unit = graph.find(job.units[0]);
            if (unit == core::no_unit) {
                control->error(id, wire::NoSuchUnit{job.units[0], {}});
                done.push_back(id);
                continue;
            }
            Phase phase = supervisor_.engine().record(unit).phase;
            if (phase == job.state || (job.state == Phase::up && core::good(phase))) {
                control->reply(id, wire::UnitReply{status_of(supervisor_, unit, Detail::plain)});
                done.push_back(id);
            } else if (phase == Phase::failed || phase == Phase::invalid) {
                control->error(id, wire::JobFailed{job.units[0], phase, core::reason(supervisor_.engine(), unit)});
                done.push_back(id);
            }
            continue;
        }
        if (job.goal == Goal::reexec || job.goal == Goal::switch_root)
            continue;
        wire::Progress progress;
        for (const std::string& name : job.units) {
            // A transient one goes when it is down: that is what a stop was to come to.
            const bool was_to_go = job.goal == Goal::stop;
            wire::JobResult result{name, was_to_go, Phase::down, was_to_go ? "" : "it is gone"};
            if (UnitId unit = graph.find(name); unit != core::no_unit) {
                result.message.clear();
                if (!settled(job.goal, unit, result))
                    break;
            }
            progress.results.push_back(std::move(result));
        }
        if (progress.results.size() == job.units.size()) {
            control->reply(id, progress);
            done.push_back(id);
        }
    }
    for (CallId id : done)
        jobs_.erase(id);
}

} // namespace mi::daemon
