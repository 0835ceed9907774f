// How one unit comes up, and its life while it is up: stage by stage, event by event. descent.cpp takes it down;
// settle.cpp decides when it starts or stops.
#include "core/engine.hpp"

#include "base/unreachable.hpp"
#include "core/explain.hpp"
#include "core/restart.hpp"

#include <utility>

namespace mi::core {

namespace {

// The stage that follows the last command of a hook list.
Stage after(Role role) {
    switch (role) {
    case Role::pre_start: return Stage::main;
    case Role::stop: return Stage::terminate;
    case Role::none:
    case Role::main:
    case Role::reload:
    case Role::post_start:
    case Role::post_stop:
    case Role::connection:
    case Role::probe: return Stage::none;
    }
    unreachable("there is no other role");
}

// A message about the command that has just failed.
std::string failure_of(const Record& record, Role role, const ExitStatus& exit) {
    const std::string which = std::string(name(role)) + " command " + std::to_string(record.hook_index + 1);
    if (exit.oom)
        return which + " was killed: out of memory (" + record.detail + ")";
    return record.detail.empty() ? which + " ended with " + text(exit) : record.detail;
}

} // namespace

void Engine::begin_start(UnitId id) {
    Record& record = change(id);
    record.detail.clear();
    record.hopeless = false;
    record.own_end = OwnEnd::none;
    // A kept unit stays kept when it has failed and is started again.
    if (record.next != Next::keep && record.next != Next::again)
        record.next = Next::as_wanted;
    if (record.armed)
        record.demand = false; // this is the requested run
    record.main_pid = record.hook_pid = 0;
    record.hook = Role::none;
    record.watchdog = Span{0};
    record.probe_failures = record.probe_successes = 0;
    set_phase(id, Phase::starting, record.reason, record.cause);
    record.health = graph_.unit(id).health ? Health::starting : Health::none;
    if (graph_.unit(id).kind == Kind::service) {
        set_deadline(id, service(id).start_timeout);
        if (service(id).type != ServiceType::oneshot)
            record.watchdog = service(id).watchdog; // the service may change it before it is up
    }
    start_from(id, Stage::conditions);
}

// Enters `stage`, or the first later one that has something to do.
void Engine::start_from(UnitId id, Stage stage) {
    Record& record = change(id);
    const Unit& unit = graph_.unit(id);
    // A timer's conditions apply to its runs: they do not matter for arming it.
    if (stage == Stage::conditions && (unit.conditions.empty() || (unit.timer && !record.armed)))
        stage = Stage::sockets;
    if (unit.kind == Kind::target && stage != Stage::conditions) {
        come_up(id);
        return;
    }
    if (stage == Stage::sockets && (unit.listen.empty() || record.armed))
        stage = Stage::idle;
    if (stage == Stage::idle) {
        if (triggered(unit) && !record.armed) {
            arm(id);
            return;
        }
        stage = Stage::pre_start;
    }
    if (stage == Stage::pre_start && commands(id, Role::pre_start).empty())
        stage = Stage::main;
    if (stage == Stage::health && record.health != Health::starting)
        stage = Stage::post_start;
    if (stage == Stage::post_start && commands(id, Role::post_start).empty()) {
        come_up(id);
        return;
    }
    record.stage = stage;
    record.hook_index = 0;
    if (stage == Stage::conditions)
        emit({.kind = Effect::Kind::check_conditions, .unit = id});
    else if (stage == Stage::sockets)
        emit({.kind = Effect::Kind::open_sockets, .unit = id});
    else if (stage == Stage::health)
        await_health(id);
    else if (stage == Stage::main)
        emit_spawn(id, Role::main, 0);
    else
        emit_spawn(id, stage == Stage::pre_start ? Role::pre_start : Role::post_start, 0);
}

void Engine::come_up(UnitId id) {
    Record& record = change(id);
    bool oneshot = graph_.unit(id).kind == Kind::service && service(id).type == ServiceType::oneshot;
    if (oneshot && stable_run(service(id), now_ - record.since))
        forget_rounds(id);
    record.stage = Stage::none;
    record.came_up = true;
    record.up_since = now_;
    clear_deadline(id);
    if (oneshot && record.armed) {
        // This run of a triggered unit is over: the remaining processes end, and the unit waits for its trigger again.
        record.own_end = OwnEnd::success;
        record.tries = 0;
        set_phase(id, Phase::stopping, Reason::exited);
        tear_down_from(id, Stage::sweep);
        return;
    }
    set_phase(id, oneshot ? Phase::done : Phase::up);
    watch_over(id);
    adopt_health(id);
    if (oneshot) {
        record.tries = 0;
        start_followers(id, graph_.on_success(id));
        conclude(id, service(id).exit_action, end_code(record));
    }
}

void Engine::fail_start(UnitId id, Reason reason, std::string detail, OwnEnd own_end) {
    Record& record = change(id);
    record.own_end = own_end;
    record.up_since = {};
    no_longer_done(id);
    if (!detail.empty())
        record.detail = std::move(detail);
    set_phase(id, Phase::stopping, reason, record.cause);
    tear_down_from(id, Stage::terminate);
}

// --- triggers ---------------------------------------------------------------------------------------------------------

// The unit is up without running: it waits for its trigger, unless it must run at once.
void Engine::arm(UnitId id) {
    Record& record = change(id);
    record.armed = record.came_up = true;
    record.stage = Stage::idle;
    record.up_since = now_;
    clear_deadline(id);
    set_phase(id, Phase::up);
    record.health = Health::none; // nothing of it runs
    emit({.kind = Effect::Kind::arm, .unit = id});
    if (std::exchange(record.demand, false))
        triggered_again(id);
}

// The unit stays at rest: no trigger shall start it.
void Engine::disarm(UnitId id) {
    Record& record = change(id);
    if (std::exchange(record.armed, false))
        emit({.kind = Effect::Kind::disarm, .unit = id});
    if (std::exchange(record.open, false))
        emit({.kind = Effect::Kind::close_sockets, .unit = id});
}

void Engine::triggered_again(UnitId id) {
    Record& record = change(id);
    if (!record.armed || halt_ != Halt::no)
        return;
    if (record.phase == Phase::failed && facts_[id].wanted) {
        record.tries = 0;
        set_phase(id, Phase::waiting, Reason::asked);
    } else if (record.phase == Phase::up && record.stage == Stage::idle && facts_[id].keep &&
               !accepts(graph_.unit(id))) {
        record.reason = Reason::asked; // the end of its last run is no reason for this one
        if (record.not_before > now_) {
            record.stage = Stage::none;
            set_phase(id, Phase::waiting, Reason::asked);
        } else {
            begin_start(id);
        }
    }
}

// A reload is over, however it went.
void Engine::back_up(UnitId id) {
    clear_deadline(id);
    if (records_[id].main_pid == 0 && service(id).type == ServiceType::oneshot)
        return set_phase(id, Phase::done);
    set_phase(id, Phase::up);
    watch_over(id);
    adopt_health(id);
}

// From now on the watchdog's time runs anew.
void Engine::watch_over(UnitId id) {
    if (Record& record = change(id); record.watchdog > Span{0} && record.main_pid != 0 && !record.frozen)
        set_deadline(id, record.watchdog);
    else
        clear_deadline(id);
}

// --- exits of processes
// -----------------------------------------------------------------------------------------------

void Engine::main_exited(UnitId id, const ExitStatus& exit) {
    Record& record = change(id);
    record.main_pid = 0;
    // The exit of the parent of a forking service is not the end of the service, and does not replace the last exit.
    const bool forked = record.phase == Phase::starting && record.stage == Stage::main &&
                        service(id).type == ServiceType::forking && succeeded(id, exit);
    if (!forked)
        record.last_exit = exit;
    switch (record.phase) {
    case Phase::starting:
        if (record.stage == Stage::main && service(id).type == ServiceType::oneshot && succeeded(id, exit)) {
            start_from(id, Stage::health);
        } else if (forked) {
            record.stage = Stage::pid_file;
            emit({.kind = Effect::Kind::await_pid_file, .unit = id});
        } else if (record.stage == Stage::main && succeeded(id, exit)) {
            fail_start(id, Reason::protocol, "it ended before it said that it is ready");
        } else {
            // A service that has reached post-start did run, and may have ended successfully.
            fail_start(id, Reason::exited, {}, record.stage == Stage::post_start ? own_end(id, exit) : OwnEnd::failure);
        }
        break;
    case Phase::up:
    case Phase::reloading: ended(id); break;
    case Phase::stopping:
        if (record.reason == Reason::leaving) {
            record.reason = Reason::exited;
            record.own_end = own_end(id, exit);
        }
        if (record.stage == Stage::terminate || record.stage == Stage::kill)
            tear_down_from(id, Stage::sweep);
        break;
    case Phase::down:
    case Phase::waiting:
    case Phase::backoff:
    case Phase::done:
    case Phase::skipped:
    case Phase::failed:
    case Phase::invalid: break;
    }
}

// Starts the next command of the list; false: there is none.
bool Engine::run_next_command(UnitId id, Role role) {
    Record& record = change(id);
    if (++record.hook_index >= commands(id, role).size())
        return false;
    emit_spawn(id, role, record.hook_index);
    return true;
}

void Engine::hook_exited(UnitId id, Role role, const ExitStatus& exit) {
    Record& record = change(id);
    if (record.hook != role)
        return; // it was given up earlier, and another command has run since
    record.hook_pid = 0;
    record.hook = Role::none;
    if (record.phase == Phase::stopping && (record.stage == Stage::terminate || record.stage == Stage::kill)) {
        if (record.main_pid == 0)
            tear_down_from(id, Stage::sweep);
        return;
    }
    const bool good = exit.kind == ExitStatus::Kind::code && exit.number == 0;
    switch (role) {
    case Role::pre_start:
    case Role::post_start:
        if (record.phase != Phase::starting)
            break;
        if (good && role == Role::pre_start && !facts_[id].keep) {
            // A unit that it needs has stopped meanwhile, and its stop was delayed by units that must stop first.
            begin_stop(id, stop_reason(id));
        } else if (!good) {
            fail_start(id, role == Role::pre_start ? Reason::pre_start_failed : Reason::post_start_failed,
                       failure_of(record, role, exit));
        } else if (!run_next_command(id, role)) {
            if (role == Role::pre_start)
                start_from(id, after(role));
            else
                come_up(id);
        }
        break;
    case Role::reload:
        if (record.phase == Phase::reloading) {
            if (!good)
                record.detail = failure_of(record, role, exit);
            back_up(id);
        }
        break;
    case Role::stop:
        // The result of a stop command does not matter: the service is stopped in any case.
        if (record.phase == Phase::stopping && record.stage == Stage::stop && !run_next_command(id, role))
            tear_down_from(id, after(role));
        break;
    case Role::post_stop:
        if (record.phase == Phase::stopping && record.stage == Stage::post_stop) {
            if (!run_next_command(id, role))
                tear_down_from(id, Stage::last_sweep);
            else
                set_deadline(id, service(id).stop_timeout);
        }
        break;
    case Role::none:
    case Role::main:
    case Role::connection:
    case Role::probe: break;
    }
}

// The main process of a running service has ended without a request.
void Engine::ended(UnitId id) {
    Record& record = change(id);
    record.own_end = own_end(id, record.last_exit);
    if (!record.last_exit.oom)
        record.detail.clear(); // for example that of a reload
    if (stable_run(service(id), now_ - record.up_since)) {
        record.tries = 0;
        forget_rounds(id);
    }
    set_phase(id, Phase::stopping, Reason::exited);
    tear_down_from(id, record.hook_pid != 0 ? Stage::terminate : Stage::sweep);
}

// The service says that it stops, or that it hangs: a stop without a request, with the usual time limit.
void Engine::leave(UnitId id, Reason reason) {
    Record& record = change(id);
    record.own_end = OwnEnd::failure; // its exit status decides
    if (stable_run(service(id), now_ - record.up_since)) {
        record.tries = 0;
        forget_rounds(id);
    }
    set_phase(id, Phase::stopping, reason);
    record.stage = Stage::terminate;
    record.hook_index = 0;
    set_deadline(id, service(id).stop_timeout);
}

void Engine::hung(UnitId id, std::string detail) {
    change(id).detail = std::move(detail);
    leave(id, Reason::watchdog);
    emit({.kind = Effect::Kind::signal, .unit = id, .number = 6}); // SIGABRT: the core dump shows where it hangs
}

void Engine::deadline_passed(UnitId id) {
    Record& record = change(id);
    switch (record.phase) {
    case Phase::starting:
        fail_start(id, Reason::start_timeout,
                   record.stage == Stage::health     ? probe_report(graph_.unit(id), record)
                   : record.stage == Stage::pid_file ? "its PID file did not name a live process of it in time" +
                                                           (record.detail.empty() ? "" : ": " + record.detail)
                                                     : "");
        break;
    case Phase::backoff: set_phase(id, Phase::waiting, Reason::asked); break;
    case Phase::reloading:
        record.detail = "the reload did not end in time";
        if (record.hook_pid != 0)
            emit({.kind = Effect::Kind::signal, .unit = id, .role = Role::reload, .number = 9});
        back_up(id);
        break;
    case Phase::waiting: await_in_vain(id); break;
    case Phase::up: hung(id, "WATCHDOG=1 did not come in time"); break;
    case Phase::stopping:
        switch (record.stage) {
        case Stage::stop: // the stop command hangs: end it with the other processes
            tear_down_from(id, Stage::terminate);
            break;
        case Stage::terminate:
            record.detail += record.detail.empty() ? "" : "; ";
            record.detail += "it did not end in time and was killed";
            tear_down_from(id, Stage::kill);
            break;
        case Stage::sweep:
        case Stage::last_sweep: sweep(id, false); break;
        case Stage::post_stop: tear_down_from(id, Stage::last_sweep); break;
        case Stage::none:
        case Stage::conditions:
        case Stage::sockets:
        case Stage::idle:
        case Stage::pre_start:
        case Stage::main:
        case Stage::pid_file:
        case Stage::health:
        case Stage::post_start:
        case Stage::kill: break;
        }
        break;
    case Phase::down:
    case Phase::done:
    case Phase::skipped:
    case Phase::failed:
    case Phase::invalid: break;
    }
    touch(id);
}

} // namespace mi::core
