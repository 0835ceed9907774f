// Requests of users: each changes `asked` in some records, and settling does the rest.
#include "core/engine.hpp"

#include <unordered_set>

namespace mi::core {

// Requests a unit, and removes obstacles for its requirements: an earlier request to stop, a failure, a rest. With
// `all`, the units that it only wants get a new try, too.
// A unit with a timer or socket is armed, and with `run` also run as if triggered; a oneshot in `done` runs again.
void Engine::ask_start(UnitId id, bool all, bool run) {
    if (halt_ != Halt::no)
        return;
    std::unordered_set<UnitId> seen{id};
    std::vector<UnitId> stack{id};
    while (!stack.empty()) {
        UnitId at = stack.back();
        stack.pop_back();
        Record& record = change(at);
        if (record.next == Next::rest)
            record.next = Next::as_wanted;
        if (at == id) {
            record.asked = counts_[at].barred > 0 ? Asked::up_alone : Asked::up;
        } else if (record.asked == Asked::down) {
            record.asked = Asked::nothing;
        }
        if (at == id && run && triggered(graph_.unit(id)))
            record.demand = !record.armed || (record.phase != Phase::starting && record.phase != Phase::up &&
                                              record.phase != Phase::reloading);
        if (at == id && run && record.phase == Phase::up && record.stage == Stage::idle)
            triggered_again(id);
        if (record.phase == Phase::stopping && record.own_end != OwnEnd::none && record.next != Next::again)
            record.next = Next::restart; // it is ending by itself: restart it afterwards
        else if (at == id && run && record.phase == Phase::done)
            run_again(id);
        if (record.phase == Phase::failed && record.reason != Reason::dependency_failed) {
            record.tries = 0;
            set_phase(at, Phase::down, Reason::asked);
        } else if (record.phase == Phase::backoff && at == id) {
            clear_deadline(at);
            set_phase(at, Phase::waiting, Reason::asked);
        } else if (record.phase == Phase::skipped && at == id) {
            set_phase(at, Phase::down, Reason::asked);
        }
        touch(at);
        bool fresh = !active(record.phase);
        for (const Edge& edge : graph_.needs(at)) {
            bool follow =
                edge.relation == Relation::requirement || edge.relation == Relation::milestone ||
                (edge.relation == Relation::want && (all || fresh) && records_[edge.unit].asked != Asked::down);
            if (follow && seen.insert(edge.unit).second)
                stack.push_back(edge.unit);
        }
    }
}

// A unit is stopped: what is part of it goes with it, also what was started although the unit was stopped before.
void Engine::take_parts_along(UnitId id) {
    for (UnitId part : graph_.parts(id))
        if (records_[part].asked == Asked::up_alone) {
            change(part).asked = Asked::up;
            touch(part);
        }
}

void Engine::ask_stop(UnitId id) {
    take_parts_along(id);
    Record& record = change(id);
    record.asked = Asked::down;
    record.yields_to = no_unit;
    record.demand = false;
    if (record.next != Next::keep) // a kept unit stays kept until it stops
        record.next = Next::as_wanted;
    // Keep the reason of an earlier failure or stop.
    if (record.phase == Phase::failed)
        set_phase(id, Phase::down, record.reason, record.cause);
    else if ((record.phase == Phase::down && record.reason == Reason::none) ||
             (record.phase == Phase::stopping && record.reason == Reason::restarting))
        record.reason = Reason::asked;
    touch(id);
}

void Engine::ask_restart(UnitId id) {
    if (halt_ != Halt::no || is_gone(id))
        return;
    Record& record = change(id);
    bool idle = record.stage == Stage::idle;
    ask_start(id, false, !active(record.phase));
    if (active(record.phase)) {
        record.next = Next::restart;
        record.demand = triggered(graph_.unit(id)) && !idle; // a running unit runs again; an idle one waits again
        restart_parts(id);
    }
    touch(id);
}

// Restarts what is part of a unit that restarts.
void Engine::restart_parts(UnitId id) {
    for (UnitId part : graph_.parts(id)) {
        const Record& record = records_[part];
        if (!active(record.phase) || record.next != Next::as_wanted || !facts_[part].wanted)
            continue;
        change(part).next = Next::restart;
        touch(part);
    }
}

// Reloads a unit, what is reloaded with it, and what is reloaded with that.
void Engine::ask_reload(UnitId id) {
    std::vector<UnitId> all{id};
    std::unordered_set<UnitId> seen{id};
    for (std::size_t i = 0; i < all.size(); ++i) {
        reload_one(all[i]);
        for (UnitId other : graph_.reloaded_with(all[i]))
            if (seen.insert(other).second)
                all.push_back(other);
    }
}

// A oneshot that is done has no process to read its settings again: only a command can do it.
void Engine::reload_one(UnitId id) {
    const Service& settings = service(id);
    const bool by_command = settings.hooks && !settings.hooks->reload.empty();
    const Phase phase = records_[id].phase;
    if ((phase != Phase::up && !(phase == Phase::done && by_command)) || graph_.unit(id).kind != Kind::service ||
        records_[id].hook_pid != 0 || records_[id].stage == Stage::idle)
        return;
    change(id).detail.clear();
    if (by_command) {
        set_phase(id, Phase::reloading);
        set_deadline(id, settings.start_timeout);
        emit_spawn(id, Role::reload, 0);
    } else if (settings.reload_signal != 0) {
        emit({.kind = Effect::Kind::signal, .unit = id, .number = settings.reload_signal});
    }
}

void Engine::ask_reset(UnitId id) {
    Record& record = change(id);
    record.tries = 0;
    if (record.phase == Phase::failed)
        set_phase(id, Phase::down, Reason::none);
    touch(id);
}

void Engine::isolate(UnitId id) {
    if (halt_ != Halt::no)
        return;
    for (UnitId other : graph_.ids()) {
        // A unit that survives a switch of the root may also be one that provides the root.
        const Asked asked = would_keep(other) ? Asked::up : Asked::nothing;
        if (records_[other].asked != asked) {
            change(other).asked = asked;
            touch(other);
        }
    }
    ask_start(id, true, false);
    change(id).next = Next::as_wanted;
}

bool Engine::would_keep(UnitId id) const {
    const Record& record = records_[id];
    return service(id).switch_root == SwitchRoot::keep && active(record.phase) && record.phase != Phase::stopping &&
           facts_[id].wanted && record.next != Next::restart;
}

// `keep`: units with `switch-root = "keep"` go on, until a shutdown without it.
void Engine::begin_shutdown(bool keep) {
    const bool begins = halt_ == Halt::no;
    if (begins)
        halt_ = Halt::stopping;
    for (UnitId id : graph_.ids()) {
        if (!begins && (keep || records_[id].next != Next::keep))
            continue;
        Record& record = change(id);
        if (keep && would_keep(id)) {
            record.next = Next::keep;
            record.asked = Asked::up;
        } else {
            give_up_keeping(id);
            record.asked = Asked::nothing;
        }
        touch(id);
    }
}

} // namespace mi::core
