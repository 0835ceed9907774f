// The health of a unit: when it is probed, and what follows from what its probes say. A probe is a process with the role `probe`;
// the engine asks for it, bounds it in time, and never has two of a unit: one that is being ended is waited for.
//
// While a unit starts its first good probe is awaited (Stage::health), after that it is probed for as long as it is up. What is
// frozen, reloading or on its way down is not: a probe that runs then is ended, and what it says is not heard.
#include "core/engine.hpp"

#include "base/unreachable.hpp"
#include "core/restart.hpp"

#include <algorithm>
#include <utility>

namespace mi::core {

namespace {

using Probe = HealthCheck::Probe;

// A service that tells by itself when it is ready is probed at once; others have hardly begun by then.
constexpr Span head_start = std::chrono::milliseconds(100);
// A probe of our own keeps to its time itself, and says where it waited.
constexpr Span grace = std::chrono::seconds(1);

} // namespace

bool Engine::may_probe(UnitId id) const {
    const Record& record = records_[id];
    const HealthCheck* check = graph_.unit(id).health.get();
    if (check == nullptr || check->probe == Probe::log_line || record.health == Health::none || halt_ != Halt::no)
        return false;
    return is_in(id, Phase::starting, Stage::health) ||
           (is_in(id, Phase::up, Stage::none) && record.main_pid != 0 && !record.frozen);
}

// It runs, and its first good probe makes it up.
void Engine::await_health(UnitId id) {
    const ServiceType type = service(id).type;
    const bool told = type == ServiceType::notify || type == ServiceType::notify_fd;
    if (may_probe(id))
        plan_probe(id, told ? Span{0} : std::min(head_start, graph_.unit(id).health->start_interval));
}

// The unit has come to where it is probed, or its file was read again: its health is what its file asks for.
void Engine::adopt_health(UnitId id) {
    const HealthCheck* check = graph_.unit(id).health.get();
    if (check == nullptr && records_[id].health == Health::none)
        return;
    Record& record = change(id);
    if (check == nullptr) {
        rest_probes(id);
        record.health = Health::none;
        record.probe_failures = record.probe_successes = 0;
        if (is_in(id, Phase::starting, Stage::health))
            start_from(id, Stage::post_start);
        return;
    }
    // One that is up without the table has come up, whatever its probes will say.
    if (record.health == Health::none && check->probe != Probe::log_line && runs(id))
        record.health = Health::starting;
    if (record.probe_at == never && (record.probe_pid == 0 || record.probe_over) && may_probe(id))
        plan_probe(id, record.health == Health::starting ? check->start_interval : check->interval);
}

void Engine::plan_probe(UnitId id, Span in) {
    change(id).probe_at = now_ + in;
    probes_.set(id, records_[id].probe_at);
}

void Engine::rest_probes(UnitId id) {
    if (records_[id].probe_at != never)
        change(id).probe_at = never;
    if (records_[id].probe_pid != 0 && !records_[id].probe_over)
        end_probe(id);
}

void Engine::end_probe(UnitId id) {
    change(id).probe_over = true;
    emit({.kind = Effect::Kind::signal, .unit = id, .role = Role::probe, .number = 9});
}

// The next probe is due, or the time of the one that runs is over.
void Engine::probe_due(UnitId id) {
    Record& record = change(id);
    record.probe_at = never;
    if (!may_probe(id))
        return;
    if (record.probe_pid == 0) {
        const HealthCheck& check = *graph_.unit(id).health;
        emit_spawn(id, Role::probe, 0);
        plan_probe(id, check.timeout + (check.probe == Probe::command ? Span{0} : grace));
    } else if (!record.probe_over) {
        end_probe(id);
        probe_failed(id, "it did not end within its timeout", false);
    }
}

// That the system lacks something now is nothing that can be held against the service.
void Engine::probe_not_made(UnitId id, const std::string& why, bool lasts) {
    Record& record = change(id);
    if (lasts)
        return probe_ended(id, record.probe_pid, false, "it cannot run: " + why, true);
    record.probe_pid = 0;
    record.probe_over = false;
    record.probe_at = never;
    adopt_health(id);
}

// `pid`: which one; `lasts`: it could not run, and another could not either.
void Engine::probe_ended(UnitId id, std::int32_t pid, bool good, std::string words, bool lasts) {
    Record& record = change(id);
    if (record.probe_pid == 0 || (record.probe_pid != pid_pending && record.probe_pid != pid))
        return;
    record.probe_pid = 0;
    if (std::exchange(record.probe_over, false)) {
        if (record.probe_at == never && may_probe(id))
            plan_probe(id, Span{0}); // the next one was due before this one had gone
        return;
    }
    record.probe_at = never;
    if (!may_probe(id))
        return;
    if (good)
        probe_succeeded(id);
    else
        probe_failed(id, std::move(words), lasts);
}

void Engine::probe_succeeded(UnitId id) {
    Record& record = change(id);
    if (std::exchange(record.probe_failures, 0) > 0)
        record.detail.clear();
    record.probe_successes += record.probe_successes != ~0u;
    const HealthCheck& check = *graph_.unit(id).health;
    if (record.stage == Stage::health) {
        set_health(id, Health::healthy);
        start_from(id, Stage::post_start);
        return;
    }
    if (record.health == Health::starting || record.probe_successes >= check.successes)
        set_health(id, Health::healthy);
    plan_probe(id, check.interval);
}

void Engine::probe_failed(UnitId id, std::string words, bool lasts) {
    Record& record = change(id);
    record.probe_successes = 0;
    record.probe_failures += record.probe_failures != ~0u;
    record.detail = std::move(words);
    const HealthCheck& check = *graph_.unit(id).health;
    if (record.stage == Stage::health) {
        if (lasts) // that it is unhealthy is known; how long it may be so is said by start-timeout
            set_health(id, Health::unhealthy);
        plan_probe(id, check.start_interval);
    } else if (record.health != Health::unhealthy && record.probe_failures >= check.failures) {
        became_unhealthy(id);
    } else {
        plan_probe(id, check.interval);
    }
}

void Engine::set_health(UnitId id, Health health) {
    if (std::exchange(change(id).health, health) != health)
        emit({.kind = Effect::Kind::health, .unit = id});
}

void Engine::became_unhealthy(UnitId id) {
    set_health(id, Health::unhealthy);
    const HealthCheck& check = *graph_.unit(id).health;
    switch (check.action) {
    case HealthCheck::Action::restart:
    case HealthCheck::Action::stop: {
        Record& record = change(id);
        record.own_end = OwnEnd::failure;
        if (stable_run(service(id), now_ - record.up_since)) {
            record.tries = 0;
            forget_rounds(id);
        }
        set_phase(id, Phase::stopping, Reason::unhealthy);
        tear_down_from(id, Stage::stop);
        return;
    }
    case HealthCheck::Action::none: break;
    case HealthCheck::Action::reboot: conclude(id, ExitAction::reboot, 1); break;
    case HealthCheck::Action::shutdown: conclude(id, ExitAction::shutdown, 1); break;
    }
    plan_probe(id, check.interval);
}

// May come before the stage that waits for it: then that is passed over.
void Engine::line_matched(UnitId id) {
    const HealthCheck* check = graph_.unit(id).health.get();
    if (check == nullptr || check->probe != Probe::log_line || records_[id].phase != Phase::starting)
        return;
    set_health(id, Health::healthy);
    if (records_[id].stage == Stage::health)
        start_from(id, Stage::post_start);
}

void Engine::probe_said(UnitId id, const std::string& words) {
    const Record& record = records_[id];
    const bool counts =
        record.stage == Stage::health || record.phase == Phase::up || record.reason == Reason::unhealthy;
    if (counts && record.probe_failures > 0)
        change(id).detail = words;
}

} // namespace mi::core
