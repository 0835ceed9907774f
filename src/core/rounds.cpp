// Units that are started by the end of another one. If they start one another in a ring (Graph::ring), each round is a
// restart of all of them: it has the delay of a restart, and `restart-limit` limits the rounds in a row. A stable run
// of any of them, or a request for one, resets the count.
#include "core/engine.hpp"

#include "core/restart.hpp"

#include <utility>

namespace mi::core {

void Engine::start_followers(UnitId id, std::span<const UnitId> others) {
    for (UnitId other : others)
        if (graph_.in_one_ring(id, other))
            come_round(id, other);
        else
            ask_start(other, true, true);
}

// The end of `from` starts `to`, which leads to `from` again.
void Engine::come_round(UnitId from, UnitId to) {
    Record& record = change(to);
    const bool idle = record.stage == Stage::idle;
    const bool is_target = graph_.unit(to).kind == Kind::target; // a target that is up retries its failed wants
    if (halt_ != Halt::no || record.phase == Phase::invalid)
        return;
    if (record.phase == Phase::waiting || record.phase == Phase::starting || record.phase == Phase::reloading ||
        record.phase == Phase::backoff || (record.phase == Phase::up && !idle && !is_target)) {
        record.asked = Asked::up; // it is starting or running
        touch(to);
        return;
    }
    const Service& settings = service(to);
    if (!is_beyond_limit(settings, record.rounds)) // beyond the limit the count does not matter
        ++record.rounds;
    if (is_beyond_limit(settings, record.rounds) && settings.restart_limit_action != LimitAction::retry) {
        end_rounds(to, from);
        return;
    }
    ++record.restarts;
    const Instant start = now_ + delay_before(to, record.rounds);
    for (UnitId each : graph_.ring(to)) // also the units that start together with it
        if (each == to || !active(records_[each].phase))
            change(each).not_before = start;
    ask_start(to, true, true);
}

// It was started by the ring too often: it fails as if it had been restarted too often.
void Engine::end_rounds(UnitId id, UnitId from) {
    Record& record = change(id);
    std::string detail = "started each time by the end of " + graph_.name(from);
    switch (record.phase) {
    case Phase::down:
    case Phase::skipped:
        record.next = Next::as_wanted;
        record.detail = std::move(detail);
        give_up(id);
        break;
    case Phase::up:
        if (record.stage != Stage::idle)
            break; // a target: it starts no more units
        record.stage = Stage::none;
        record.detail = std::move(detail);
        give_up(id);
        break;
    case Phase::done:
        record.own_end = OwnEnd::failure;
        record.detail = std::move(detail);
        set_phase(id, Phase::stopping, Reason::restart_limit);
        tear_down_from(id, Stage::stop);
        break;
    case Phase::stopping:
        if (record.own_end == OwnEnd::none)
            break;
        record.own_end = OwnEnd::failure;
        record.next = Next::as_wanted;
        record.detail = std::move(detail);
        set_phase(id, Phase::stopping, Reason::restart_limit);
        break;
    case Phase::waiting:
    case Phase::starting:
    case Phase::reloading:
    case Phase::backoff:
    case Phase::failed:
    case Phase::invalid: break;
    }
    touch(id);
}

void Engine::forget_rounds(UnitId id) {
    for (UnitId each : graph_.ring(id))
        if (records_[each].rounds != 0 || records_[each].not_before != Instant{}) {
            change(each).rounds = 0;
            records_[each].not_before = {};
        }
}

} // namespace mi::core
