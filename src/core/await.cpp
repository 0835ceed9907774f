// What `[await]` names: a unit starts when all of it is there, and with `on-loss = "stop"` it is up only as long.
//
// Who looks says what it sees of a unit that waits, and goes on saying so while that matters (awaits_presence). A unit that is up
// stops only for what it has had: what was missing before, as its file had not asked for it yet, is no loss.
#include "core/await.hpp"

#include "core/engine.hpp"

#include <utility>

namespace mi::core {

bool awaits_presence(const Unit& unit, const Record& record) {
    if (!unit.await || unit.await->things.empty())
        return false;
    return record.phase == Phase::waiting ||
           (unit.await->on_loss == Await::OnLoss::stop && active(record.phase) && record.phase != Phase::stopping);
}

// Whether a unit that could start otherwise has to wait. If it has a timeout, that begins now.
bool Engine::waits_for_presence(UnitId id) {
    if (!awaits_presence(graph_.unit(id), records_[id]) || records_[id].presence == Presence::there) {
        clear_deadline(id);
        return false;
    }
    if (records_[id].presence == Presence::missing_for_now && records_[id].deadline == never)
        set_deadline(id, graph_.unit(id).await->timeout);
    return true;
}

void Engine::all_there(UnitId id) {
    if (!awaits_presence(graph_.unit(id), records_[id]))
        return;
    Record& record = change(id);
    const Presence before = std::exchange(record.presence, Presence::there);
    if (record.phase == Phase::waiting || before == Presence::lost)
        record.detail.clear();
}

void Engine::something_missing(UnitId id, const std::string& what) {
    if (!awaits_presence(graph_.unit(id), records_[id]))
        return;
    Record& record = change(id);
    if (record.phase == Phase::waiting)
        record.presence = graph_.unit(id).await->timeout > Span{0} ? Presence::missing_for_now : Presence::missing;
    else if (record.presence == Presence::there || record.presence == Presence::lost)
        record.presence = Presence::lost;
    else
        return;
    record.detail = what;
}

// It does not come.
void Engine::await_in_vain(UnitId id) {
    no_longer_done(id);
    set_phase(id, Phase::failed, Reason::await_timeout);
    disarm(id);
    start_followers(id, graph_.on_failure(id));
    conclude(id, service(id).exit_action, 1);
}

// Files were read again: what a unit names may be something else, and is looked at anew. That it has lost something stays true.
void Engine::forget_presence() {
    for (Record& record : records_)
        if (record.presence != Presence::lost)
            record.presence = Presence::unknown;
}

} // namespace mi::core
