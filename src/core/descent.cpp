// How one unit goes down: from a stop or its own end to rest, or to the next try.
#include "core/engine.hpp"

#include "base/unreachable.hpp"
#include "core/explain.hpp"
#include "core/restart.hpp"

#include <utility>

namespace mi::core {

namespace {

Ending ending_of(ExitAction action) {
    switch (action) {
    case ExitAction::none: return Ending::none;
    case ExitAction::shutdown: return Ending::exit;
    case ExitAction::reboot: return Ending::reboot;
    case ExitAction::poweroff: return Ending::poweroff;
    }
    unreachable("there is no other exit action");
}

} // namespace

void Engine::begin_stop(UnitId id, Reason reason) {
    Record& record = change(id);
    Phase before = record.phase;
    bool idle = record.stage == Stage::idle;
    record.own_end = OwnEnd::none;
    if (reason != Reason::await_lost)
        record.detail.clear();
    no_longer_done(id);
    set_phase(id, Phase::stopping, reason, record.cause);
    if (graph_.unit(id).kind == Kind::target) {
        finish(id);
        return;
    }
    if (idle) {
        // None of its commands runs; at most processes of connections do.
        if (!accepts(graph_.unit(id))) {
            finish(id);
            return;
        }
        record.stage = Stage::last_sweep;
        sweep(id, true);
        return;
    }
    tear_down_from(id, before == Phase::starting ? Stage::terminate : Stage::stop);
}

// A oneshot in `done` runs again: first as after a stop. Units that require it stay up meanwhile.
void Engine::run_again(UnitId id) {
    Record& record = change(id);
    record.own_end = OwnEnd::success; // its last run has succeeded before
    record.next = Next::again;
    record.detail.clear();
    set_phase(id, Phase::stopping, Reason::restarting);
    tear_down_from(id, Stage::stop);
}

// The repeated run has failed or was cancelled.
void Engine::no_longer_done(UnitId id) {
    if (Record& record = change(id); record.next == Next::again)
        record.next = Next::as_wanted;
}

// Ends the remaining processes of the unit, first with the stop signal if there is time for that.
void Engine::sweep(UnitId id, bool gently) {
    const Service& settings = service(id);
    // Each process of a connection is a main process: so they all get the stop signal, for any kill mode.
    gently = gently && (settings.kill_mode == KillMode::group || accepts(graph_.unit(id))) &&
             settings.stop_timeout > Span{0};
    auto rest = settings.kill_mode == KillMode::process ? Effect::Scope::main : Effect::Scope::everything;
    emit({.kind = Effect::Kind::sweep, .unit = id, .scope = rest, .number = gently ? settings.stop_signal : 9});
    if (gently)
        set_deadline(id, settings.stop_timeout);
    else
        clear_deadline(id);
}

// Enters `stage` of stopping, or the first later one that has something to do.
void Engine::tear_down_from(UnitId id, Stage stage) {
    Record& record = change(id);
    const Service& settings = service(id);
    if (stage == Stage::stop && commands(id, Role::stop).empty())
        stage = Stage::terminate;
    if (stage == Stage::terminate && record.main_pid == 0 && record.hook_pid == 0)
        stage = Stage::sweep;
    if (stage == Stage::sweep && settings.kill_mode == KillMode::process && record.hook_pid == 0)
        stage = Stage::post_stop;
    if (stage == Stage::post_stop && commands(id, Role::post_stop).empty()) {
        finish(id);
        return;
    }
    bool killing = record.stage == Stage::kill;
    record.stage = stage;
    record.hook_index = 0;
    auto scope = settings.kill_mode == KillMode::group ? Effect::Scope::everything : Effect::Scope::main;
    switch (stage) {
    case Stage::stop:
        emit_spawn(id, Role::stop, 0);
        set_deadline(id, settings.stop_timeout);
        break;
    case Stage::terminate:
        emit({.kind = Effect::Kind::signal, .unit = id, .scope = scope, .number = settings.stop_signal});
        set_deadline(id, settings.stop_timeout);
        break;
    case Stage::kill:
        emit({.kind = Effect::Kind::signal, .unit = id, .scope = scope, .number = 9});
        clear_deadline(id);
        break;
    case Stage::sweep:
        // The remaining processes get the same time to end as the main process had, unless it had to be killed.
        sweep(id, !killing);
        break;
    case Stage::post_stop:
        emit_spawn(id, Role::post_stop, 0);
        set_deadline(id, settings.stop_timeout);
        break;
    case Stage::last_sweep: sweep(id, false); break;
    case Stage::none:
    case Stage::conditions:
    case Stage::sockets:
    case Stage::idle:
    case Stage::pre_start:
    case Stage::main:
    case Stage::pid_file:
    case Stage::health:
    case Stage::post_start: unreachable("no stop begins with a stage of the way up");
    }
}

// No process of the unit is left; the next phase depends on why it ended.
void Engine::finish(UnitId id) {
    Record& record = change(id);
    record.stage = Stage::none;
    record.main_pid = record.hook_pid = 0;
    record.hook = Role::none;
    clear_deadline(id);
    emit({.kind = Effect::Kind::release, .unit = id});
    const Next next = std::exchange(record.next, Next::as_wanted);
    const bool restart = next == Next::restart || next == Next::again;
    // The unit file became invalid while the unit ran: it cannot be started again.
    if (const std::string& fault = last_read(id).fault; !fault.empty()) {
        disarm(id);
        record.came_up = false;
        record.tries = 0;
        record.detail = fault;
        const int code = end_code(record);
        set_phase(id, Phase::invalid, Reason::file);
        if (record.own_end != OwnEnd::none && record.asked != Asked::down)
            conclude(id, graph_.unit(id).service.exit_action, code);
        return;
    }
    if (record.own_end != OwnEnd::none && !restart && (halt_ == Halt::no || halt_ == Halt::final_target) &&
        record.asked != Asked::down) {
        retry_or_fail(id);
        return;
    }
    record.came_up = false;
    record.tries = 0;
    // Sockets stay open across a restart; if the unit is not started again, act() closes them.
    if (std::exchange(record.armed, false))
        emit({.kind = Effect::Kind::disarm, .unit = id});
    if (next == Next::again)
        record.next = next;
    set_phase(id, Phase::down);
}

void Engine::retry_or_fail(UnitId id) {
    Record& record = change(id);
    const Service& settings = service(id);
    if (record.reason == Reason::restart_limit) { // of a ring (rounds.cpp)
        give_up(id);
        return;
    }
    const HealthCheck* check = graph_.unit(id).health.get();
    const bool stays_down =
        record.reason == Reason::unhealthy && check != nullptr && check->action == HealthCheck::Action::stop;
    if (halt_ == Halt::no && facts_[id].wanted && !is_gone(id) && !stays_down && restarts(settings, record)) {
        ++record.tries;
        if (!is_beyond_limit(settings, record.tries) || settings.restart_limit_action == LimitAction::retry) {
            ++record.restarts;
            const Span delay = delay_before(id, record.tries);
            if (delay <= Span{0}) {
                set_phase(id, Phase::waiting, Reason::asked);
                return;
            }
            set_deadline(id, delay);
            set_phase(id, Phase::backoff);
            return;
        }
        record.detail = last_end(*this, id);
        give_up(id);
        return;
    }
    const bool success = record.own_end == OwnEnd::success;
    if (success && record.armed && facts_[id].wanted) {
        start_followers(id, graph_.on_success(id));
        record.reason = Reason::exited;
        arm(id);
        return;
    }
    if (success) {
        record.next = Next::rest;
        set_phase(id, Phase::down, Reason::exited);
        start_followers(id, graph_.on_success(id));
        conclude(id, settings.exit_action, end_code(record));
        return;
    }
    fail(id, record.reason);
}

bool Engine::is_beyond_limit(const Service& settings, std::uint32_t tries) {
    return settings.restart_limit != 0 && tries > settings.restart_limit;
}

// The delay before the next of `tries` restarts in a row; beyond the limit always the longest.
Span Engine::delay_before(UnitId id, std::uint32_t tries) const {
    const Service& settings = service(id);
    return is_beyond_limit(settings, tries)
               ? settings.restart_delay_max
               : restart_delay(settings, tries, settings_.seed + id + records_[id].restarts);
}

// Handles a reached restart limit.
void Engine::give_up(UnitId id) {
    const LimitAction action = service(id).restart_limit_action;
    if (action == LimitAction::reboot)
        conclude(id, ExitAction::reboot, end_code(records_[id]));
    if (action == LimitAction::shutdown)
        conclude(id, ExitAction::shutdown, end_code(records_[id]));
    change(id).tries = 0;
    fail(id, Reason::restart_limit);
}

// Whether a failed unit still waits for its timer or socket. A socket that will not be served is closed.
bool Engine::awaits_next_run(UnitId id, Reason reason) const {
    const Unit& unit = graph_.unit(id);
    if (!records_[id].armed || unit.timer)
        return records_[id].armed;
    return !accepts(unit) && !records_[id].hopeless && reason != Reason::restart_limit &&
           reason != Reason::trigger_limit && reason != Reason::sockets_failed;
}

void Engine::fail(UnitId id, Reason reason) {
    const int code = end_code(records_[id]); // computed from the last run's reason, before it becomes restart_limit
    set_phase(id, Phase::failed, reason);
    // After a failed run the unit still waits for its timer or socket: the next trigger is a new try.
    if (awaits_next_run(id, reason))
        emit({.kind = Effect::Kind::arm, .unit = id});
    else
        disarm(id);
    start_followers(id, graph_.on_failure(id));
    conclude(id, service(id).exit_action, code);
}

void Engine::conclude(UnitId id, ExitAction action, int code) {
    if (action != ExitAction::none && halt_ == Halt::no)
        emit({.kind = Effect::Kind::conclude, .unit = id, .number = code, .ending = ending_of(action)});
}

} // namespace mi::core
