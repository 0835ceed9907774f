// The effect of each kind of event on its unit. For longer consequences see lifecycle.cpp, descent.cpp and
// requests.cpp.
#include "core/engine.hpp"

#include "base/unreachable.hpp"
#include "core/explain.hpp"
#include "core/restart.hpp"

#include <utility>

namespace mi::core {

void Engine::apply(const Event& event, Instant now) {
    now_ = now;
    if (event.unit == no_unit) {
        apply_to_all(event.kind);
        return;
    }
    must(graph_.contains(event.unit), "an event is of a unit that exists");
    (void)change(event.unit);
    apply_to_unit(event);
    touch(event.unit);
}

void Engine::apply_to_all(Event::Kind kind) {
    if (kind == Event::Kind::due)
        pass_deadlines();
    else if (kind == Event::Kind::shutdown || kind == Event::Kind::leave)
        begin_shutdown(kind == Event::Kind::leave);
    else
        unreachable("an event of this kind has a unit");
}

void Engine::apply_to_unit(const Event& event) {
    const UnitId id = event.unit;
    switch (event.kind) {
    case Event::Kind::start: forget_rounds(id); return ask_start(id, false, true);
    case Event::Kind::wish: forget_rounds(id); return ask_start(id, false, false);
    case Event::Kind::stop: return ask_stop(id);
    case Event::Kind::restart: forget_rounds(id); return ask_restart(id);
    case Event::Kind::reload: return ask_reload(id);
    case Event::Kind::reset: forget_rounds(id); return ask_reset(id);
    case Event::Kind::isolate: return isolate(id);
    case Event::Kind::conditions_met: return conditions_met(id);
    case Event::Kind::condition_unmet: return condition_unmet(id, event.detail);
    case Event::Kind::conditions_unknown: return conditions_unknown(id, event.detail);
    case Event::Kind::sockets_opened: return sockets_opened(id);
    case Event::Kind::sockets_failed: return sockets_failed(id, event.detail, event.lasts);
    case Event::Kind::trigger:
        if (stable_run(service(id), now_ - records_[id].since)) // a pause resets the count like a long run
            forget_rounds(id);
        return triggered_again(id);
    case Event::Kind::overrun: return overrun(id, event.detail);
    case Event::Kind::spawned: return spawned(id, event.role, event.pid);
    case Event::Kind::spawn_failed: return spawn_failed(id, event.role, event.detail, event.lasts);
    case Event::Kind::exited: return exited(event);
    case Event::Kind::emptied: return emptied(id);
    case Event::Kind::ready: return ready(id);
    case Event::Kind::reloading: return reloading(id);
    case Event::Kind::doubted: return doubted(id, event.detail);
    case Event::Kind::main_pid: return main_pid_known(id, event.pid);
    case Event::Kind::extend: return extend(id, event.span);
    case Event::Kind::alive: return alive(id);
    case Event::Kind::hung: return says_it_hangs(id);
    case Event::Kind::watchdog: return set_watchdog(id, event.span);
    case Event::Kind::leaving: return says_it_leaves(id);
    case Event::Kind::freeze: return set_frozen(id, true);
    case Event::Kind::thaw: return set_frozen(id, false);
    case Event::Kind::line_matched: return line_matched(id);
    case Event::Kind::probe_words: return probe_said(id, event.detail);
    case Event::Kind::all_there: return all_there(id);
    case Event::Kind::something_missing: return something_missing(id, event.detail);
    case Event::Kind::shutdown:
    case Event::Kind::leave:
    case Event::Kind::due: unreachable("an event of this kind is of all units");
    }
    unreachable("there is no other kind of event");
}

bool Engine::is_in(UnitId id, Phase phase, Stage stage) const {
    return records_[id].phase == phase && records_[id].stage == stage;
}

bool Engine::runs(UnitId id) const {
    const Record& record = records_[id];
    return (record.phase == Phase::up || record.phase == Phase::reloading) && record.main_pid != 0;
}

void Engine::pass_deadlines() {
    for (UnitId due = next_due(); due != no_unit && records_[due].deadline <= now_; due = next_due()) {
        clear_deadline(due);
        deadline_passed(due);
    }
    for (UnitId due = next_probe(); due != no_unit && records_[due].probe_at <= now_; due = next_probe())
        probe_due(due);
}

// --- conditions and sockets -------------------------------------------------------------------------------------------

// Continues the start, unless the unit may not be up any more; its stop was delayed by units that must stop first.
void Engine::go_on(UnitId id, Stage stage) {
    if (facts_[id].keep)
        start_from(id, stage);
    else
        begin_stop(id, stop_reason(id));
}

void Engine::conditions_met(UnitId id) {
    if (is_in(id, Phase::starting, Stage::conditions))
        go_on(id, Stage::sockets);
}

void Engine::condition_unmet(UnitId id, const std::string& which) {
    if (!is_in(id, Phase::starting, Stage::conditions))
        return;
    Record& record = records_[id];
    record.stage = Stage::none;
    record.detail = which;
    clear_deadline(id);
    if (record.armed && graph_.unit(id).timer && facts_[id].wanted) {
        record.reason = Reason::condition; // skip only this run
        arm(id);
    } else {
        disarm(id);
        set_phase(id, Phase::skipped, Reason::condition);
    }
}

// It is unknown whether to skip the unit or to start it, so the start fails. None of its processes has run, so there is
// nothing to stop.
void Engine::conditions_unknown(UnitId id, const std::string& why) {
    if (!is_in(id, Phase::starting, Stage::conditions))
        return;
    Record& record = records_[id];
    record.own_end = OwnEnd::failure;
    record.up_since = {};
    record.detail = why;
    no_longer_done(id);
    set_phase(id, Phase::stopping, Reason::conditions_unknown);
    finish(id);
}

void Engine::sockets_opened(UnitId id) {
    records_[id].open = true;
    if (is_in(id, Phase::starting, Stage::sockets))
        go_on(id, Stage::idle);
}

void Engine::sockets_failed(UnitId id, const std::string& why, bool lasts) {
    if (is_in(id, Phase::up, Stage::idle)) {
        // Its new file has other sockets: they are opened at its next start.
        records_[id].armed = false;
        emit({.kind = Effect::Kind::disarm, .unit = id});
        fail_start(id, Reason::sockets_failed, why);
    } else if (is_in(id, Phase::starting, Stage::sockets)) {
        records_[id].hopeless = lasts;
        fail_start(id, Reason::sockets_failed, why);
    } else if (records_[id].phase == Phase::failed && records_[id].armed && !graph_.unit(id).timer) {
        set_phase(id, Phase::failed, Reason::sockets_failed);
        records_[id].detail = why;
        disarm(id);
    }
}

void Engine::overrun(UnitId id, const std::string& words) {
    Record& record = records_[id];
    if (record.phase == Phase::failed && record.armed) {
        record.detail = words;
        set_phase(id, Phase::failed, Reason::trigger_limit);
        disarm(id);
    }
    if (!is_in(id, Phase::up, Stage::idle))
        return;
    record.detail = words;
    record.stage = Stage::none;
    fail(id, Reason::trigger_limit);
}

// --- processes --------------------------------------------------------------------------------------------------------

void Engine::spawned(UnitId id, Role role, std::int32_t pid) {
    Record& record = records_[id];
    if (role == Role::main) {
        record.main_pid = pid;
        if (is_in(id, Phase::starting, Stage::main) && service(id).type == ServiceType::simple)
            start_from(id, Stage::health);
    } else if (role == Role::probe) {
        record.probe_pid = pid;
        if (record.probe_over) // given up before its process was known
            emit({.kind = Effect::Kind::signal, .unit = id, .role = Role::probe, .number = 9});
    } else if (record.hook == role) {
        record.hook_pid = pid;
    }
}

void Engine::spawn_failed(UnitId id, Role role, const std::string& why, bool lasts) {
    Record& record = records_[id];
    if (role == Role::probe)
        return probe_not_made(id, why, lasts);
    if (record.phase == Phase::starting)
        record.hopeless = lasts;
    if (role != Role::main) {
        // The failure of a stop command is no reason for a stop, unless it shows how far a start had come.
        if (record.phase != Phase::stopping ||
            (record.reason == Reason::start_timeout && role != Role::stop && role != Role::post_stop))
            record.detail = why;
        hook_exited(id, role, ExitStatus::code(127));
    } else if (is_in(id, Phase::starting, Stage::main)) {
        record.main_pid = 0;
        record.last_exit = {};
        fail_start(id, Reason::spawn_failed, why);
    } else {
        if (record.phase == Phase::stopping && record.reason == Reason::start_timeout)
            record.detail = why; // shows how far the start had come
        main_exited(id, {});     // it is being stopped already: one process less to wait for
    }
}

void Engine::exited(const Event& event) {
    if (event.role == Role::probe)
        return probe_ended(event.unit, event.pid, event.exit == ExitStatus::code(0), text(event.exit), false);
    if (event.exit.oom && records_[event.unit].phase != Phase::stopping)
        records_[event.unit].detail = event.detail;
    if (event.role == Role::main)
        main_exited(event.unit, event.exit);
    else
        hook_exited(event.unit, event.role, event.exit);
}

void Engine::emptied(UnitId id) {
    if (is_in(id, Phase::stopping, Stage::sweep))
        tear_down_from(id, Stage::post_stop);
    else if (is_in(id, Phase::stopping, Stage::last_sweep))
        finish(id);
}

// --- notifications from the service
// -----------------------------------------------------------------------------------

void Engine::ready(UnitId id) {
    const ServiceType type = service(id).type;
    if (is_in(id, Phase::starting, Stage::main) && (type == ServiceType::notify || type == ServiceType::notify_fd))
        start_from(id, Stage::health);
    else if (records_[id].phase == Phase::reloading && records_[id].hook_pid == 0)
        back_up(id);
}

void Engine::reloading(UnitId id) {
    const Record& record = records_[id];
    if (record.phase != Phase::up || record.main_pid == 0 || record.frozen)
        return;
    set_phase(id, Phase::reloading);
    set_deadline(id, service(id).start_timeout);
}

void Engine::doubted(UnitId id, const std::string& doubt) {
    if (is_in(id, Phase::starting, Stage::pid_file))
        records_[id].detail = doubt;
}

void Engine::main_pid_known(UnitId id, std::int32_t pid) {
    records_[id].main_pid = pid;
    if (!is_in(id, Phase::starting, Stage::pid_file))
        return;
    records_[id].detail.clear();
    start_from(id, Stage::health);
}

// Its present stage may take longer, never shorter.
void Engine::extend(UnitId id, Span span) {
    const Record& record = records_[id];
    const bool bounded =
        record.phase == Phase::starting || record.phase == Phase::stopping || record.phase == Phase::reloading;
    if (bounded && record.deadline != never && record.deadline < now_ + span)
        set_deadline(id, span);
}

void Engine::alive(UnitId id) {
    if (records_[id].phase == Phase::up)
        watch_over(id);
}

void Engine::set_watchdog(UnitId id, Span span) {
    records_[id].watchdog = span;
    alive(id);
}

void Engine::says_it_hangs(UnitId id) {
    if (runs(id))
        hung(id, "it says itself that it hangs");
}

void Engine::says_it_leaves(UnitId id) {
    if (!runs(id))
        return;
    records_[id].detail.clear();
    leave(id, Reason::leaving);
}

void Engine::set_frozen(UnitId id, bool frozen) {
    if (records_[id].phase != Phase::up)
        return;
    records_[id].frozen = frozen;
    watch_over(id);
    if (frozen)
        rest_probes(id);
    else
        adopt_health(id);
}

} // namespace mi::core
