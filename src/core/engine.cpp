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
    for (UnitId id = 0; id < graph_.size(); ++id) {
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
    std::vector<std::string> old_names(graph_.size());
    std::vector<char> ran(graph_.size()); // was running and wanted
    for (UnitId id = 0; id < graph_.size(); ++id) {
        old_names[id] = graph_.name(id);
        ran[id] = active(records_[id].phase) && facts_[id].wanted;
        if (auto at = fresh.find(old_names[id]); ran[id] && at != fresh.end())
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
    std::vector<Unit> old = std::move(graph_).take_units();
    std::vector<Unit> gone;
    for (UnitId id = 0; id < old.size(); ++id)
        if (active(records_[id].phase) && !fresh.contains(old_names[id]))
            gone.push_back(std::move(old[id]));
    std::move(gone.begin(), gone.end(), std::back_inserter(units));
    graph_ = Graph(std::move(units));
    const std::vector<UnitId> renumbered = carry_records(old_names);
    std::vector<char> keeps(graph_.size());
    for (UnitId id = 0; id < old_names.size(); ++id)
        if (renumbered[id] != no_unit)
            keeps[renumbered[id]] = ran[id];
    adopt_graph();
    rebuild();
    drain();
    // Reading files stops nothing: what runs and is no longer pulled in by anything is as if somebody had asked for it.
    const std::vector<UnitId>& order = graph_.order();
    for (auto id = order.rbegin(); id != order.rend(); ++id)
        if (keeps[*id] && !facts_[*id].wanted && records_[*id].asked == Asked::nothing) {
            records_[*id].asked = Asked::up;
            touch(*id);
            drain();
        }
    settle(now);
    return renumbered;
}

// After the graph was made anew: the record of each old unit goes to the one that has its name now. Where each has gone.
std::vector<UnitId> Engine::carry_records(const std::vector<std::string>& old_names) {
    std::vector<UnitId> renumbered(old_names.size(), no_unit);
    std::vector<Record> records(graph_.size());
    for (UnitId id = 0; id < old_names.size(); ++id) {
        // An alias may have become another unit's name: only a unit of the same name takes the record over.
        UnitId now_called = graph_.find(old_names[id]);
        if (now_called != no_unit && graph_.name(now_called) == old_names[id]) {
            renumbered[id] = now_called;
            records[now_called] = std::move(records_[id]);
        }
    }
    for (Record& record : records)
        if (record.cause != no_unit)
            record.cause = renumbered[record.cause];
    records_ = std::move(records);
    for (Effect& effect : effects_)
        if (effect.unit != no_unit)
            effect.unit = renumbered[effect.unit];
    std::erase_if(effects_,
                  [](const Effect& effect) { return effect.unit == no_unit && effect.kind != Effect::Kind::halt; });
    return renumbered;
}

std::vector<UnitId> Engine::remove(UnitId gone, Instant now) {
    now_ = now;
    std::vector<std::string> old_names(graph_.size());
    for (UnitId id = 0; id < graph_.size(); ++id)
        old_names[id] = graph_.name(id);
    std::vector<Unit> units = std::move(graph_).take_units();
    units.erase(units.begin() + static_cast<std::ptrdiff_t>(gone));
    // What stands in for units that are only named is made anew for those that are still named.
    std::erase_if(units, [](const Unit& unit) { return unit.source.empty() && !unit.fault.empty(); });
    graph_ = Graph(std::move(units));
    std::vector<UnitId> renumbered = carry_records(old_names);
    adopt_graph();
    rebuild();
    settle(now);
    return renumbered;
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
    UnitId same = graph_.find(unit.name);
    std::vector<Unit> units = std::move(graph_).take_units();
    if (same != no_unit && units[same].name == unit.name)
        units[same] = std::move(unit);
    else
        units.push_back(std::move(unit));
    graph_ = Graph(std::move(units));
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

void Engine::restore(const std::vector<std::pair<std::string, Record>>& saved, Halt halt, Instant now) {
    now_ = now;
    halt_ = halt;
    for (const auto& [name, record] : saved)
        if (UnitId id = graph_.find(name); id != no_unit && graph_.name(id) == name) {
            records_[id] = record;
            records_[id].cause = record.cause < saved.size() ? graph_.find(saved[record.cause].first) : no_unit;
        }
    adopt_graph();
    rebuild();
    settle(now);
}

} // namespace mi::core
