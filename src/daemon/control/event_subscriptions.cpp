#include "daemon/control/event_subscriptions.hpp"

#include "base/clock.hpp"
#include "core/explain.hpp"

#include <algorithm>
#include <utility>

namespace mi::daemon {

using core::Phase;
using core::UnitId;

void EventSubscriptions::subscribe(CallId id, std::vector<std::string> units) {
    std::ranges::sort(units);
    parts_.control->charge(id, memory_of(units));
    subscriptions_[id] = std::move(units);
}

const std::vector<std::string>* EventSubscriptions::units_of(CallId id) const {
    const auto at = subscriptions_.find(id);
    return at != subscriptions_.end() ? &at->second : nullptr;
}

wire::Event EventSubscriptions::event_of(wire::EventKind kind, std::optional<std::string> unit) const {
    wire::Event event;
    event.kind = kind;
    event.realtime = parts_.kernel.wall_now().micros;
    event.monotonic = micros(parts_.kernel.now());
    event.unit = std::move(unit);
    return event;
}

wire::Event EventSubscriptions::change_of(UnitId unit, Phase from, Phase to) const {
    const core::Engine& engine = parts_.engine;
    const core::Record& record = engine.record(unit);
    wire::Event event = event_of(wire::EventKind::state, engine.graph().name(unit));
    event.from = from;
    event.state = to;
    if (record.phase == to) {
        if (record.stage != core::Stage::none)
            event.stage = record.stage;
        event.reason = core::reason(engine, unit);
        event.reason_kind = record.reason;
        if (const UnitId cause = core::cause(engine, unit); cause != core::no_unit)
            event.cause = engine.graph().name(cause);
        if (record.deadline != never && to != Phase::up) // as in a status: the watchdog's is of no interest
            event.left_ms = std::max<std::int64_t>(0, micros(record.deadline) - event.monotonic) / 1000;
    }
    if (record.main_pid > 0)
        event.main_pid = record.main_pid;
    if (record.health != core::Health::none)
        event.health = record.health;
    if (to == Phase::stopping || to == Phase::backoff || to == Phase::failed || to == Phase::down)
        event.last_exit = wire::told(record.last_exit);
    return event;
}

void EventSubscriptions::publish(const wire::Event& event) {
    std::vector<CallId> hearers;
    for (const auto& [id, units] : subscriptions_)
        if (units.empty() || (event.unit && std::ranges::binary_search(units, *event.unit)))
            hearers.push_back(id);
    if (!hearers.empty())
        parts_.control->broadcast(hearers, wire::EventReply{event});
}

void EventSubscriptions::health_changed(UnitId unit) {
    if (subscriptions_.empty())
        return;
    const Phase phase = parts_.engine.record(unit).phase;
    wire::Event event = change_of(unit, phase, phase);
    event.kind = wire::EventKind::health;
    event.from.reset();
    publish(event);
}

void EventSubscriptions::publish_text(const std::string& text) {
    if (subscriptions_.empty())
        return;
    wire::Event event = event_of(wire::EventKind::manager, std::nullopt);
    event.text = text;
    publish(event);
}

// A service may say how it is a thousand times in a turn, and a thousand may listen: the last of it is published.
void EventSubscriptions::status_changed(UnitId unit) {
    if (!subscriptions_.empty())
        statuses_.insert(parts_.engine.graph().name(unit));
}

void EventSubscriptions::publish_statuses() {
    for (const std::string& name : std::exchange(statuses_, {})) {
        const UnitId unit = parts_.engine.graph().find(name);
        if (unit == core::no_unit)
            continue;
        wire::Event event = event_of(wire::EventKind::status, name);
        event.text = parts_.units[unit].status;
        if (parts_.engine.record(unit).phase == core::Phase::waiting) // it has nothing to say, but waits for something
            event.text = core::reason(parts_.engine, unit);
        publish(event);
    }
}

} // namespace mi::daemon
