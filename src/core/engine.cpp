#include "core/engine.hpp"

#include "core/restart.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace mi::core {

Engine::Engine(Graph graph, Settings settings) : graph_(std::move(graph)), settings_(settings) {
    adopt_graph();
    rebuild();
}

// Makes the records fit the graph: units that are new, that became invalid, or that are valid again.
void Engine::adopt_graph() {
    records_.resize(graph_.size());
    for (UnitId id : graph_.ids()) {
        Record& record = records_[id];
        bool valid = graph_.unit(id).fault.empty();
        if (!valid && !active(record.phase)) {
            record = Record{.phase = Phase::invalid, .asked = record.asked, .reason = Reason::file, .since = now_};
            record.detail = graph_.unit(id).fault;
        } else if (valid && record.phase == Phase::invalid) {
            record = Record{.asked = record.asked, .since = now_};
        }
        // One that is armed, and has nothing any more to be armed with, is started as what it is now.
        if (valid && record.armed && !triggered(graph_.unit(id))) {
            record.armed = record.demand = false;
            record.cycle = record.cycle || record.stage == Stage::idle;
        }
    }
}

std::vector<Effect> Engine::step(const Event& event, Instant now) {
    apply(event, now);
    settle(now);
    return take_effects();
}

std::vector<Effect> Engine::take_effects() { return std::exchange(effects_, {}); }

void Engine::apply(const Event& event, Instant now) {
    now_ = now;
    UnitId id = event.unit;
    if (id != no_unit)
        (void)change(id);
    auto in = [&](Phase phase, Stage stage) { return records_[id].phase == phase && records_[id].stage == stage; };
    switch (event.kind) {
    case Event::Kind::start: ask_start(id, false, true); break;
    case Event::Kind::wish: ask_start(id, false, false); break;
    case Event::Kind::stop: ask_stop(id); break;
    case Event::Kind::restart: ask_restart(id); break;
    case Event::Kind::reload: ask_reload(id); break;
    case Event::Kind::reset: ask_reset(id); break;
    case Event::Kind::isolate: isolate(id); break;
    case Event::Kind::shutdown: begin_shutdown(false); break;
    case Event::Kind::leave: begin_shutdown(true); break;
    case Event::Kind::conditions_met:
        if (in(Phase::starting, Stage::conditions)) {
            if (facts_[id].keep)
                start_from(id, Stage::sockets);
            else
                begin_stop(id, stop_reason(id));
        }
        break;
    case Event::Kind::condition_unmet:
        if (in(Phase::starting, Stage::conditions)) {
            records_[id].stage = Stage::none;
            records_[id].detail = event.detail;
            clear_deadline(id);
            if (records_[id].armed && graph_.unit(id).timer && facts_[id].wanted) {
                records_[id].reason = Reason::condition; // not this time
                arm(id);
            } else {
                disarm(id);
                set_phase(id, Phase::skipped, Reason::condition);
            }
        }
        break;
    case Event::Kind::conditions_unknown:
        // Neither a reason to leave the unit out nor one to start it, nor what depends on it: its start has failed. Nothing
        // of it has run, so there is nothing to stop.
        if (in(Phase::starting, Stage::conditions)) {
            records_[id].ended = true;
            records_[id].good_end = false;
            records_[id].up_since = {};
            records_[id].detail = event.detail;
            set_phase(id, Phase::stopping, Reason::conditions_unknown);
            finish(id);
        }
        break;
    case Event::Kind::sockets_opened:
        records_[id].open = true;
        if (in(Phase::starting, Stage::sockets)) {
            if (facts_[id].keep)
                start_from(id, Stage::idle);
            else
                begin_stop(id, stop_reason(id));
        }
        break;
    case Event::Kind::sockets_failed:
        if (in(Phase::up,
               Stage::idle)) { // its file was read again, and has others: they are for its next start to open
            records_[id].armed = false;
            emit({.kind = Effect::Kind::disarm, .unit = id});
            fail_start(id, Reason::sockets_failed, event.detail);
        } else if (in(Phase::starting, Stage::sockets)) {
            fail_start(id, Reason::sockets_failed, event.detail);
        }
        break;
    case Event::Kind::trigger: triggered_again(id); break;
    case Event::Kind::overrun:
        if (in(Phase::up, Stage::idle)) {
            records_[id].detail = event.detail;
            records_[id].stage = Stage::none;
            fail(id, Reason::trigger_limit);
        }
        break;
    case Event::Kind::spawned: {
        Record& record = records_[id];
        if (event.role == Role::main) {
            record.main_pid = event.pid;
            if (in(Phase::starting, Stage::main) && service(id).type == ServiceType::simple)
                start_from(id, Stage::post_start);
        } else if (record.hook == event.role) {
            record.hook_pid = event.pid;
        }
        break;
    }
    case Event::Kind::spawn_failed:
        if (event.role == Role::main && in(Phase::starting, Stage::main)) {
            records_[id].main_pid = 0;
            records_[id].last_exit = {};
            fail_start(id, Reason::spawn_failed, event.detail);
        } else if (event.role == Role::main) {
            if (records_[id].phase == Phase::stopping && records_[id].reason == Reason::start_timeout)
                records_[id].detail = event.detail; // how far it had come
            main_exited(id, {}); // the unit is being stopped already: there is one process less to wait for
        } else {
            records_[id].detail = event.detail;
            hook_exited(id, event.role, ExitStatus::code(127));
        }
        break;
    case Event::Kind::exited:
        if (event.exit.oom && records_[id].phase != Phase::stopping)
            records_[id].detail = event.detail;
        if (event.role == Role::main)
            main_exited(id, event.exit);
        else
            hook_exited(id, event.role, event.exit);
        break;
    case Event::Kind::emptied:
        if (in(Phase::stopping, Stage::sweep))
            tear_down_from(id, Stage::post_stop);
        else if (in(Phase::stopping, Stage::last_sweep))
            finish(id);
        break;
    case Event::Kind::ready:
        if (in(Phase::starting, Stage::main) &&
            (service(id).type == ServiceType::notify || service(id).type == ServiceType::notify_fd))
            start_from(id, Stage::post_start);
        else if (records_[id].phase == Phase::reloading && records_[id].hook_pid == 0)
            back_up(id);
        break;
    case Event::Kind::reloading:
        if (records_[id].phase == Phase::up && records_[id].main_pid != 0 && !records_[id].frozen) {
            set_phase(id, Phase::reloading);
            set_deadline(id, service(id).start_timeout);
        }
        break;
    case Event::Kind::doubted:
        if (in(Phase::starting, Stage::pid_file))
            records_[id].detail = event.detail;
        break;
    case Event::Kind::main_pid:
        records_[id].main_pid = event.pid;
        if (in(Phase::starting, Stage::pid_file)) {
            records_[id].detail.clear();
            start_from(id, Stage::post_start);
        }
        break;
    case Event::Kind::extend:
        if (records_[id].deadline != never &&
            (records_[id].phase == Phase::starting || records_[id].phase == Phase::stopping ||
             records_[id].phase == Phase::reloading) &&
            records_[id].deadline < now_ + event.span)
            set_deadline(id, event.span);
        break;
    case Event::Kind::alive:
        if (records_[id].phase == Phase::up)
            watch_over(id);
        break;
    case Event::Kind::hung:
        if ((records_[id].phase == Phase::up || records_[id].phase == Phase::reloading) && records_[id].main_pid != 0)
            hung(id, "it says itself that it hangs");
        break;
    case Event::Kind::watchdog:
        records_[id].watchdog = event.span;
        if (records_[id].phase == Phase::up)
            watch_over(id);
        break;
    case Event::Kind::leaving:
        if ((records_[id].phase == Phase::up || records_[id].phase == Phase::reloading) && records_[id].main_pid != 0)
            leave(id, Reason::leaving);
        break;
    case Event::Kind::freeze:
    case Event::Kind::thaw:
        if (records_[id].phase == Phase::up) {
            records_[id].frozen = event.kind == Event::Kind::freeze;
            watch_over(id);
        }
        break;
    case Event::Kind::due:
        for (UnitId due = next_due(); due != no_unit && records_[due].deadline <= now_; due = next_due()) {
            clear_deadline(due);
            deadline_passed(due);
        }
        break;
    }
    if (id != no_unit)
        touch(id);
}

// The unit whose deadline is the first, or no_unit. Entries that no longer count go, those put off go to their new place.
UnitId Engine::next_due() {
    while (!deadlines_.empty()) {
        Deadline top = deadlines_.top();
        if (queued_[top.unit] == top.at && records_[top.unit].deadline == top.at)
            return top.unit;
        deadlines_.pop();
        if (queued_[top.unit] != top.at)
            continue;
        queued_[top.unit] = records_[top.unit].deadline;
        if (queued_[top.unit] != never)
            deadlines_.push({queued_[top.unit], top.unit});
    }
    return no_unit;
}

Instant Engine::next_deadline() {
    UnitId unit = next_due();
    return unit == no_unit ? never : records_[unit].deadline;
}

std::vector<UnitId> Engine::due(Instant now) {
    std::vector<UnitId> units;
    for (UnitId unit = next_due(); unit != no_unit && records_[unit].deadline <= now; unit = next_due()) {
        units.push_back(unit);
        deadlines_.pop();
    }
    for (UnitId unit : units)
        deadlines_.push({queued_[unit], unit});
    return units;
}

void Engine::set_phase(UnitId id, Phase phase) { set_phase(id, phase, records_[id].reason, records_[id].cause); }

void Engine::set_phase(UnitId id, Phase phase, Reason reason, UnitId cause) {
    Record& record = change(id);
    record.reason = reason;
    record.cause = cause;
    if (record.phase == phase)
        return;
    if (record.phase == Phase::starting)
        --starting_;
    if (phase == Phase::starting)
        ++starting_;
    emit({.kind = Effect::Kind::changed, .unit = id, .from = record.phase, .to = phase});
    record.phase = phase;
    record.frozen = false;
    if (record.kept && phase == Phase::stopping) { // by itself, or by hand: that is waited for, and is the end of it
        record.kept = false;
        record.asked = Asked::nothing;
    }
    record.since = now_;
    touch(id);
}

void Engine::set_deadline(UnitId id, Span span) {
    if (span <= Span{0} || now_.since_boot > never.since_boot - span) {
        clear_deadline(id);
        return;
    }
    change(id).deadline = now_ + span;
    if (records_[id].deadline < queued_[id]) {
        queued_[id] = records_[id].deadline;
        deadlines_.push({queued_[id], id});
    }
}

void Engine::emit_spawn(UnitId id, Role role, std::uint8_t index) {
    Record& record = change(id);
    if (role == Role::main) {
        record.main_pid = pid_pending;
    } else {
        record.hook_pid = pid_pending;
        record.hook = role;
    }
    emit({.kind = Effect::Kind::spawn, .unit = id, .role = role, .index = index});
}

const std::vector<Command>& Engine::commands(UnitId id, Role role) const {
    static const std::vector<Command> nothing;
    const Hooks* hooks = service(id).hooks.get();
    if (hooks == nullptr)
        return nothing;
    switch (role) {
    case Role::pre_start: return hooks->pre_start;
    case Role::post_start: return hooks->post_start;
    case Role::stop: return hooks->stop;
    case Role::post_stop: return hooks->post_stop;
    case Role::none:
    case Role::main:
    case Role::reload:
    case Role::connection: return nothing;
    }
    __builtin_unreachable();
}

bool Engine::succeeded(UnitId id, const ExitStatus& exit) const { return core::succeeded(service(id), exit); }

std::vector<UnitId> Engine::replace(std::vector<Unit> units, Instant now) {
    now_ = now;
    std::unordered_map<std::string, Unit*> fresh;
    for (Unit& unit : units)
        fresh.emplace(unit.name, &unit);
    std::vector<char> ran(graph_.size()); // was running and wanted
    for (UnitId id : graph_.ids()) {
        ran[id] = active(records_[id].phase) && facts_[id].wanted;
        if (auto at = fresh.find(graph_.name(id)); ran[id] && at != fresh.end())
            soften_new_requirements(id, *at->second);
    }
    // The same for what others now say of running units.
    for (Unit& unit : units)
        for (Dependency& dependency : unit.dependencies)
            if (dependency.relation == Relation::required_by && unit.enabled) {
                UnitId running = graph_.find(dependency.unit), self = graph_.find(unit.name);
                if (running != no_unit && ran[running] && !requires_already(running, self) &&
                    (self == no_unit || !good(records_[self].phase)))
                    dependency.relation = Relation::wanted_by;
            }
    std::vector<UnitId> gone = regraph(std::move(units), [this](UnitId id) { return active(records_[id].phase); });
    ran.resize(graph_.size());
    adopt_graph();
    rebuild();
    drain();
    // Reading files stops nothing: what runs and is no longer pulled in by anything is as if somebody had asked for it.
    const std::vector<UnitId>& order = graph_.order();
    for (auto id = order.rbegin(); id != order.rend(); ++id)
        if (ran[*id] && !facts_[*id].wanted && records_[*id].asked == Asked::nothing) {
            records_[*id].asked = Asked::up;
            touch(*id);
            drain();
        }
    settle(now);
    return gone;
}

// Other units: those of `fresh`, and of the present ones those that stay. Gives those that are gone; nothing refers to them.
std::vector<UnitId> Engine::regraph(std::vector<Unit> fresh, const std::function<bool(UnitId)>& stays) {
    auto before = graph_.ids();
    const std::vector<UnitId> had(before.begin(), before.end());
    // What stands in for units that are only named is made anew for those that are still named.
    graph_ =
        std::move(graph_).with(std::move(fresh), [&](UnitId id) { return !is_phantom(graph_.unit(id)) && stays(id); });
    records_.resize(graph_.size());
    std::vector<UnitId> gone;
    std::ranges::copy_if(had, std::back_inserter(gone), [this](UnitId id) { return !graph_.contains(id); });
    for (UnitId id : gone)
        records_[id] = {};
    for (Record& record : records_)
        if (!graph_.contains(record.cause))
            record.cause = no_unit;
    std::erase_if(effects_,
                  [this](const Effect& effect) { return effect.unit != no_unit && !graph_.contains(effect.unit); });
    return gone;
}

std::vector<UnitId> Engine::remove(UnitId id, Instant now) {
    now_ = now;
    std::vector<UnitId> gone = regraph({}, [id](UnitId other) { return other != id; });
    adopt_graph();
    rebuild();
    settle(now);
    return gone;
}

bool Engine::requires_already(UnitId id, UnitId other) const {
    std::span<const Edge> needs = graph_.needs(id);
    return std::find(needs.begin(), needs.end(), Edge{other, Relation::requirement}) != needs.end();
}

// A running unit whose file now requires something that is not up: until it is started anew that is only a wish, or
// reading the file would stop it.
void Engine::soften_new_requirements(UnitId id, Unit& fresh) const {
    for (Dependency& dependency : fresh.dependencies) {
        if (dependency.relation != Relation::requirement)
            continue;
        UnitId other = graph_.find(dependency.unit);
        if (!requires_already(id, other) && (other == no_unit || !good(records_[other].phase)))
            dependency.relation = Relation::want;
    }
}

void Engine::add(Unit unit, Instant now) {
    now_ = now;
    std::vector<Unit> fresh;
    fresh.push_back(std::move(unit));
    (void)regraph(std::move(fresh), [](UnitId) { return true; });
    adopt_graph();
    rebuild();
    settle(now);
}

void Engine::take_changes(Changes& changes) {
    changes.all = std::exchange(all_changed_, false);
    changes.units.clear();
    std::swap(changes.units, changed_);
    for (UnitId id : changes.units)
        is_changed_[id] = 0;
}

void Engine::restore(const std::vector<std::pair<UnitId, Record>>& saved, Halt halt, Instant now) {
    now_ = now;
    halt_ = halt;
    for (const auto& [id, record] : saved)
        if (graph_.contains(id)) {
            records_[id] = record;
            if (!graph_.contains(record.cause))
                records_[id].cause = no_unit;
        }
    adopt_graph();
    rebuild();
    settle(now);
}

} // namespace mi::core
