#include "core/engine.hpp"

#include "base/unreachable.hpp"
#include "core/restart.hpp"

#include <algorithm>
#include <utility>

namespace mi::core {

Engine::Engine(Graph graph, Settings settings) : graph_(std::move(graph)), settings_(settings) {
    adopt_graph();
    rebuild();
}

// Adapts the records to the graph: for units that are new, became invalid, or are valid again.
void Engine::adopt_graph() {
    records_.resize(graph_.size());
    for (UnitId id : graph_.ids()) {
        Record& record = records_[id];
        const std::string& fault = graph_.unit(id).fault;
        const bool valid = fault.empty();
        if (!valid && !active(record.phase)) {
            const bool known = record.phase == Phase::invalid && record.detail == fault;
            // It was to be started, and its exit action has to follow its end.
            if (record.phase == Phase::waiting || record.phase == Phase::backoff)
                conclude(id, graph_.unit(id).service.exit_action, 1);
            record = Record{.phase = Phase::invalid,
                            .asked = record.asked,
                            .reason = Reason::file,
                            .restarts = record.restarts,
                            .since = known ? record.since : now_,
                            .last_exit = record.last_exit,
                            .detail = fault};
        } else if (valid && record.phase == Phase::invalid) {
            record = Record{
                .asked = record.asked, .restarts = record.restarts, .since = now_, .last_exit = record.last_exit};
        }
        // An armed unit that has no timer or socket any more is restarted as the unit that it is now.
        if (valid && record.armed && !triggered(graph_.unit(id))) {
            record.armed = record.demand = false;
            if (record.stage == Stage::idle && record.next == Next::keep)
                record.asked = Asked::down; // a shutdown is in progress: do not start it again
            else if (record.stage == Stage::idle)
                record.next = Next::restart;
        }
    }
}

std::vector<Effect> Engine::step(const Event& event, Instant now) {
    apply(event, now);
    settle(now);
    return take_effects();
}

std::vector<Effect> Engine::take_effects() { return std::exchange(effects_, {}); }

Instant Engine::next_deadline() {
    const UnitId unit = next_due(), probed = next_probe();
    return std::min(unit == no_unit ? never : records_[unit].deadline,
                    probed == no_unit ? never : records_[probed].probe_at);
}

std::vector<UnitId> Engine::due(Instant now) { return deadlines_.passed(records_, now); }

void Engine::set_phase(UnitId id, Phase phase) { set_phase(id, phase, records_[id].reason, records_[id].cause); }

void Engine::set_phase(UnitId id, Phase phase, Reason reason, UnitId cause) {
    Record& record = change(id);
    record.reason = reason;
    record.cause = cause;
    if (record.phase == phase)
        return;
    for (auto [counted, count] :
         {std::pair(Phase::starting, &totals_.starting), {Phase::stopping, &totals_.stopping}}) {
        must(record.phase != counted || *count > 0, "a unit that starts or stops is counted");
        *count += std::size_t(phase == counted) - std::size_t(record.phase == counted);
    }
    emit({.kind = Effect::Kind::changed, .unit = id, .from = record.phase, .to = phase});
    record.phase = phase;
    record.frozen = false;
    rest_probes(id);
    if (!active(phase))
        record.health = Health::none;
    if (phase == Phase::stopping) // by itself, or by hand: that is waited for, and is the end of it
        give_up_keeping(id);
    if (!fits(phase, record.next))
        record.next = Next::as_wanted;
    if (phase == Phase::waiting) {
        record.hopeless = false; // somebody wants a new try, and may have changed something
        record.presence = Presence::unknown;
    }
    record.since = now_;
    touch(id);
}

// A unit that was kept for another root is one like all others again.
void Engine::give_up_keeping(UnitId id) {
    Record& record = records_[id];
    if (record.next != Next::keep)
        return;
    record.next = Next::as_wanted;
    record.asked = Asked::nothing;
}

void Engine::set_deadline(UnitId id, Span span) {
    if (span <= Span{0} || now_.since_boot > never.since_boot - span) {
        clear_deadline(id);
        return;
    }
    change(id).deadline = now_ + span;
    deadlines_.set(id, records_[id].deadline);
}

void Engine::emit_spawn(UnitId id, Role role, std::uint8_t index) {
    Record& record = change(id);
    if (role == Role::main) {
        record.main_pid = pid_pending;
    } else if (role == Role::probe) {
        record.probe_pid = pid_pending;
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
    case Role::connection:
    case Role::probe: return nothing;
    }
    unreachable("there is no other role");
}

bool Engine::succeeded(UnitId id, const ExitStatus& exit) const { return core::succeeded(service(id), exit); }

std::vector<UnitId> Engine::replace(std::vector<Unit> units, Instant now) {
    now_ = now;
    std::vector<char> ran = running_and_wanted();
    put_off(units);
    soften(units, ran);
    std::vector<UnitId> gone = regraph(std::move(units), [this](UnitId id) { return active(records_[id].phase); });
    ran.resize(graph_.size());
    forget_presence();
    adopt_graph();
    rebuild();
    drain();
    // Re-reading files stops no unit: a running unit that no other unit wants any more counts as requested.
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

std::vector<char> Engine::running_and_wanted() const {
    std::vector<char> result(graph_.size());
    for (UnitId id : graph_.ids())
        result[id] = active(records_[id].phase) && facts_[id].wanted;
    return result;
}

// If a running unit has another kind or type in its new file, the new definition is put off; running units whose files
// are gone are recorded.
void Engine::put_off(std::vector<Unit>& fresh) {
    later_.clear();
    for (UnitId id : graph_.ids())
        if (active(records_[id].phase) && !is_phantom(graph_.unit(id)))
            later_.emplace(id, Unit{});
    std::erase_if(fresh, [this](Unit& unit) {
        const UnitId id = graph_.find(unit.name);
        auto at = id == no_unit || graph_.name(id) != unit.name ? later_.end() : later_.find(id);
        if (at == later_.end())
            return false;
        const Unit& present = graph_.unit(id);
        const bool is_other =
            !unit.fault.empty() || unit.kind != present.kind || unit.service.type != present.service.type;
        if (is_other && records_[id].stage != Stage::idle && present.fault.empty()) {
            at->second = std::move(unit);
            return true;
        }
        later_.erase(at);
        return false;
    });
}

// Applies put-off definitions of units that no longer run. True: there was one.
bool Engine::take_up_later() {
    std::vector<Unit> fresh;
    for (auto at = later_.begin(); at != later_.end();)
        if (at->second.name.empty() || active(records_[at->first].phase)) {
            ++at;
        } else {
            fresh.push_back(std::move(at->second));
            at = later_.erase(at);
        }
    if (fresh.empty())
        return false;
    soften(fresh, running_and_wanted());
    (void)regraph(std::move(fresh), [](UnitId) { return true; });
    adopt_graph();
    rebuild();
    return true;
}

// Builds a graph of the units in `fresh`, and those present ones that stay. Returns the units that are gone; nothing
// refers to them any more.
std::vector<UnitId> Engine::regraph(std::vector<Unit> fresh, const std::function<bool(UnitId)>& stays) {
    auto before = graph_.ids();
    const std::vector<UnitId> had(before.begin(), before.end());
    // The placeholders for units that are only named are made again for those that are still named.
    graph_ =
        std::move(graph_).with(std::move(fresh), [&](UnitId id) { return !is_phantom(graph_.unit(id)) && stays(id); });
    records_.resize(graph_.size());
    std::vector<UnitId> gone;
    std::ranges::copy_if(had, std::back_inserter(gone), [this](UnitId id) { return !graph_.contains(id); });
    for (UnitId id : gone) {
        records_[id] = {};
        later_.erase(id);
    }
    for (Record& record : records_)
        forget_gone(record);
    std::erase_if(effects_,
                  [this](const Effect& effect) { return effect.unit != no_unit && !graph_.contains(effect.unit); });
    return gone;
}

// Clears references to units that do not exist any more.
void Engine::forget_gone(Record& record) const {
    for (UnitId* other : {&record.cause, &record.yields_to})
        if (!graph_.contains(*other))
            *other = no_unit;
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

// Re-reading files stops no running unit (`ran`): a new requirement of it, by its own file or another unit's, becomes a
// want.
void Engine::soften(std::vector<Unit>& fresh, const std::vector<char>& ran) const {
    for (Unit& unit : fresh) {
        const UnitId self = graph_.find(unit.name);
        if (self != no_unit && ran[self])
            soften_new_requirements(self, unit);
        for (Dependency& dependency : unit.dependencies) {
            if (dependency.relation != Relation::required_by || !unit.enabled)
                continue;
            const UnitId running = graph_.find(dependency.unit);
            if (running != no_unit && ran[running] && !requires_already(running, self) &&
                (self == no_unit || !good(records_[self].phase)))
                dependency.relation = Relation::wanted_by;
        }
    }
}

// If the new file of a running unit requires a unit that is not up, the requirement is only a want until the next
// start; otherwise re-reading would stop the unit.
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
    if (const UnitId id = graph_.find(unit.name); id != no_unit && records_[id].presence != Presence::lost)
        change(id).presence = Presence::unknown; // it may await something else now
    std::vector<Unit> fresh;
    fresh.push_back(std::move(unit));
    std::vector<char> ran(graph_.size());
    for (UnitId id : graph_.ids())
        ran[id] = active(records_[id].phase) && facts_[id].wanted;
    soften(fresh, ran);
    (void)regraph(std::move(fresh), [](UnitId) { return true; });
    adopt_graph();
    rebuild();
    settle(now);
}

void Engine::take_changes(Changes& changes) {
    changes.all = std::exchange(all_changed_, false);
    changed_.take_all(changes.units);
}

void Engine::restore(const std::vector<std::pair<UnitId, Record>>& saved, Halt halt, Instant now) {
    now_ = now;
    halt_ = halt;
    for (const auto& [id, record] : saved)
        if (graph_.contains(id)) {
            records_[id] = record;
            forget_gone(records_[id]);
            if (record.phase == Phase::waiting && record.presence == Presence::there)
                records_[id].presence = Presence::unknown; // it may have gone in the meantime
            if (!fits(record.phase, record.next))          // older programs could save a restart for a skipped unit
                records_[id].next = Next::as_wanted;
        }
    adopt_graph();
    rebuild();
    settle(now);
}

} // namespace mi::core
