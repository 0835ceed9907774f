#include "daemon/control/answers_acting.hpp"

#include "base/signals.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <unordered_map>

namespace mi::daemon {

using core::Phase;
using core::UnitId;
using EngineEvent = core::Event;

namespace {

// Whether one of the units is left to other units by its file (`refuse-manual-…`). True: an error was answered.
bool refuses(Parts& parts, CallId id, const std::vector<UnitId>& units, bool starts, bool stops) {
    for (UnitId each : units) {
        const core::Unit& unit = parts.engine.last_read(each);
        const bool start = starts && unit.refuse_manual_start;
        if (!start && (!stops || !unit.refuse_manual_stop))
            continue;
        parts.control->error(id, wire::NotSupported{unit.name + " is " + (start ? "started" : "stopped") +
                                                    " by other units alone (refuse-manual-" +
                                                    (start ? "start)" : "stop)")});
        return true;
    }
    return false;
}

} // namespace

void apply_now(Parts& parts, const core::Event& event) {
    parts.context.now = parts.kernel.now();
    parts.context.apply(event);
}

// Only a stop is possible while all goes down, and of a unit that cannot be started.
void ActingAnswers::act(CallId id, const Caller& caller, const std::vector<std::string>& units, state::Goal goal,
                        bool wait, bool arm) {
    const bool starts = goal != state::Goal::stop;
    std::vector<UnitId> ids;
    if (starts && parts_.engine.halting())
        return parts_.control->error(id, wire::ShuttingDown{});
    if (!lookup_.find(id, units, starts ? UnitLookup::Named::startable : UnitLookup::Named::templates, ids))
        return;
    if (goal == state::Goal::restart && !lookup_.can_restart(id, ids))
        return;
    if (refuses(parts_, id, ids, starts, goal != state::Goal::start))
        return;
    const auto kind = goal == state::Goal::start  ? (arm ? EngineEvent::Kind::wish : EngineEvent::Kind::start)
                      : goal == state::Goal::stop ? EngineEvent::Kind::stop
                                                  : EngineEvent::Kind::restart;
    for (UnitId unit : ids)
        apply_now(parts_, {.kind = kind, .unit = unit});
    waiting_.begin(id, caller, goal, ids, wait);
}

void ActingAnswers::answer(CallId id, const Caller& caller, const wire::Start& start) {
    act(id, caller, start.units, state::Goal::start, start.wait, start.arm);
}

void ActingAnswers::answer(CallId id, const Caller& caller, const wire::Stop& stop) {
    act(id, caller, stop.units, state::Goal::stop, stop.wait);
}

void ActingAnswers::answer(CallId id, const Caller& caller, const wire::Restart& restart) {
    act(id, caller, restart.units, state::Goal::restart, restart.wait);
}

void ActingAnswers::answer(CallId id, const Caller& caller, const wire::TryRestart& restart) {
    std::vector<UnitId> ids, running;
    if (parts_.engine.halting())
        return parts_.control->error(id, wire::ShuttingDown{});
    if (!lookup_.find(id, restart.units, UnitLookup::Named::templates, ids))
        return;
    for (UnitId unit : ids)
        if (core::active(parts_.engine.record(unit).phase)) {
            running.push_back(unit);
        }
    if (!lookup_.can_restart(id, running) || refuses(parts_, id, running, true, true))
        return;
    for (UnitId unit : running)
        apply_now(parts_, {.kind = EngineEvent::Kind::restart, .unit = unit});
    waiting_.begin(id, caller, state::Goal::restart, running, restart.wait);
}

namespace {

// Why a unit that is up cannot be reloaded; empty: it can be.
std::string why_not_reload(const Parts& parts, UnitId id) {
    const core::Unit& unit = parts.engine.graph().unit(id);
    const core::Service& service = unit.service;
    const pid_t main = parts.engine.record(id).main_pid;
    if (!parts.engine.graph().reloaded_with(id).empty())
        return {}; // it need not have a reload of its own
    if (unit.kind == core::Kind::target)
        return "a target has nothing to reload (`minictl reload-units` reads unit files)";
    if (parts.engine.record(id).phase == Phase::done && service.hooks && !service.hooks->reload.empty())
        return {};
    if (main <= 0)
        return "nothing of it runs that could read its settings again; what runs next reads them anyway";
    // What is frozen gets to no command, and one beside it would be frozen with it. A signal waits.
    if (service.hooks && !service.hooks->reload.empty())
        return parts.process.processes.frozen(id) ? "it is frozen" : "";
    if (service.reload_signal == 0)
        return "its unit says that it has no reload. `minictl restart " + unit.name +
               "` has it read its settings again";
    if (service.reload_signal_said)
        return {};
    // Without /proc the default is sent as it is documented.
    const auto does = parts.kernel.signal_disposition(main, service.reload_signal);
    if (!does || *does == os::Disposition::handled)
        return {};
    const std::string signal = signal_name(service.reload_signal);
    return "its main process (" + std::to_string(main) + ") does not handle " + signal +
           (*does == os::Disposition::ignored ? " but ignores it, so that nothing would change"
                                              : ", which would end it") +
           ". `minictl restart " + unit.name + "` has it read its settings again, `minictl reload-units` reads unit " +
           "files; if it can reload in another way, set `reload-command` or `reload-signal`";
}

// Only what is up: what is on its way somewhere has a time limit, or a command that is waited for.
void set_frozen(Parts& parts, UnitLookup& lookup, CallId id, const std::vector<std::string>& units, bool frozen) {
    std::vector<UnitId> ids;
    if (!lookup.find(id, units, UnitLookup::Named::templates, ids))
        return;
    const core::Engine& engine = parts.engine;
    for (UnitId unit : ids)
        if (engine.record(unit).phase != Phase::up || engine.record(unit).main_pid <= 0)
            return parts.control->error(id, wire::NotRunning{engine.graph().name(unit), engine.record(unit).phase});
    for (UnitId unit : ids)
        if (auto done = parts.run.unit_processes.set_frozen(unit, frozen); !done) {
            const std::string& name = engine.graph().name(unit);
            if (done.error().code == ENOTSUP)
                return parts.control->error(
                    id, wire::NotSupported{name + " cannot be frozen: its processes are in no cgroup of their own "
                                                  "(freezing needs cgroup v2 and Linux 5.2)"});
            return parts.control->error(id, wire::JobFailed{name, Phase::up, done.error().text()});
        }
    parts.control->reply(id, wire::Nothing{});
}

} // namespace

void ActingAnswers::answer(CallId id, const Caller& caller, const wire::Reload& reload) {
    std::vector<UnitId> ids;
    if (!lookup_.find(id, reload.units, UnitLookup::Named::startable, ids))
        return;
    for (UnitId unit : ids)
        if (Phase phase = parts_.engine.record(unit).phase; phase != Phase::up && phase != Phase::done)
            return parts_.control->error(id, wire::NotRunning{parts_.engine.graph().name(unit), phase});
    for (UnitId unit : ids)
        if (std::string refusal = why_not_reload(parts_, unit); !refusal.empty())
            return parts_.control->error(
                id, wire::JobFailed{parts_.engine.graph().name(unit), Phase::up, std::move(refusal)});
    for (UnitId unit : ids)
        apply_now(parts_, {.kind = EngineEvent::Kind::reload, .unit = unit});
    waiting_.begin(id, caller, state::Goal::reload, ids, reload.wait);
}

void ActingAnswers::answer(CallId id, const Caller&, const wire::Signal& signal) {
    std::vector<UnitId> ids;
    if (!lookup_.find(id, {signal.unit}, UnitLookup::Named::templates, ids))
        return;
    if (signal.signal < 1 || signal.signal > SIGRTMAX)
        return parts_.control->error(id, wire::InvalidParameter{"signal"});
    if (auto sent = parts_.run.unit_processes.send_signal(ids[0], signal.signal, signal.all); !sent)
        return parts_.control->error(id, wire::NotRunning{signal.unit, parts_.engine.record(ids[0]).phase});
    parts_.control->reply(id, wire::Nothing{});
}

void ActingAnswers::answer(CallId id, const Caller&, const wire::Freeze& freeze) {
    set_frozen(parts_, lookup_, id, freeze.units, true);
}

void ActingAnswers::answer(CallId id, const Caller&, const wire::Thaw& thaw) {
    set_frozen(parts_, lookup_, id, thaw.units, false);
}

void ActingAnswers::answer(CallId id, const Caller&, const wire::Reset& reset) {
    std::vector<UnitId> ids;
    if (!lookup_.find(id, reset.units, UnitLookup::Named::templates, ids))
        return;
    if (reset.units.empty())
        for (UnitId unit : parts_.engine.graph().ids())
            ids.push_back(unit);
    // A transient unit that failed was kept only to be looked at: it is not tried again, it goes.
    for (UnitId unit : ids) {
        const bool goes = parts_.engine.record(unit).phase == Phase::failed &&
                          parts_.catalog.transient.is_transient(parts_.engine.graph().unit(unit));
        apply_now(parts_, {.kind = goes ? EngineEvent::Kind::stop : EngineEvent::Kind::reset, .unit = unit});
    }
    parts_.control->reply(id, wire::Nothing{});
}

void ActingAnswers::answer(CallId id, const Caller& caller, const wire::Wait& wait) {
    std::vector<UnitId> ids;
    if (!lookup_.find(id, {wait.unit}, UnitLookup::to_look(caller), ids))
        return;
    if (wait.health && !parts_.engine.last_read(ids[0]).health)
        return parts_.control->error(
            id, wire::NotSupported{wait.unit + " has no health: a table [health] in its file says how it is probed"});
    waiting_.await_state(id, caller, parts_.engine.graph().name(ids[0]), wait.state, wait.health);
}

void ActingAnswers::answer(CallId id, const Caller& caller, const wire::Target& target) {
    std::vector<UnitId> ids;
    if (parts_.engine.halting())
        return parts_.control->error(id, wire::ShuttingDown{});
    if (!lookup_.find(id, {target.name}, UnitLookup::Named::startable, ids))
        return;
    parts_.catalog.boot_target.isolate(target.name);
    waiting_.begin(id, caller, state::Goal::isolate, ids, target.wait);
}

void ActingAnswers::answer(CallId id, const Caller& caller, const wire::Events& events) {
    std::vector<UnitId> ids;
    if (!lookup_.find(id, events.units.value_or(std::vector<std::string>{}), UnitLookup::to_look(caller), ids))
        return;
    std::vector<std::string> names;
    for (UnitId unit : ids)
        names.push_back(parts_.engine.graph().name(unit));
    events_.subscribe(id, std::move(names));
}

void ActingAnswers::answer(CallId id, const Caller&, const wire::ReloadUnits&) {
    parts_.catalog.systemd.refresh([this, id] {
        std::vector<std::string> problems = parts_.catalog.systemd.problems();
        UnitFiles::Reread reread = parts_.catalog.files.reread();
        problems.insert(problems.end(), reread.problems.begin(), reread.problems.end());
        wire::Changes changes{std::move(reread.added), std::move(reread.changed), std::move(reread.removed),
                              std::move(problems)};
        parts_.control->reply(id, changes);
        waiting_.something_changed();
    });
}

} // namespace mi::daemon
