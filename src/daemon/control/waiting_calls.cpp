#include "daemon/control/waiting_calls.hpp"

#include "base/join.hpp"
#include "base/unreachable.hpp"
#include "core/explain.hpp"
#include "daemon/control/unit_status.hpp"

#include <algorithm>
#include <utility>

namespace mi::daemon {

using core::Phase;
using core::UnitId;

namespace {

// Phases that a unit leaves by itself.
bool transient(Phase phase) {
    return phase == Phase::waiting || phase == Phase::starting || phase == Phase::stopping || phase == Phase::reloading;
}

// Whether a start goes on. One that waits for a unit that was not asked for will not come by itself.
bool is_on_its_way(Phase phase, const core::Facts& facts) {
    if (phase == Phase::waiting)
        return facts.coming || !facts.wanted;
    return transient(phase) || (phase == Phase::down && facts.coming);
}

} // namespace

void WaitingCalls::begin(CallId id, const Caller& caller, Goal goal, const std::vector<UnitId>& units, bool wait) {
    const core::Engine& engine = parts_.engine;
    if (!wait || !parts_.control->waiting(id)) {
        wire::Progress progress;
        for (UnitId unit : units)
            progress.results.push_back({engine.graph().name(unit), true, engine.record(unit).phase, ""});
        parts_.control->reply(id, progress);
        return;
    }
    Waiting call{.goal = goal, .more = caller.more};
    for (UnitId unit : units) {
        call.units.push_back(engine.graph().name(unit));
        if (core::active(engine.record(unit).phase))
            call.not_read.push_back(call.units.back());
    }
    calls_[id] = std::move(call);
    moved_ = true; // it may be as asked already
}

void WaitingCalls::await_state(CallId id, const Caller& caller, const std::string& unit, Phase phase,
                               std::optional<core::Health> health) {
    calls_[id] = {.goal = Goal::state, .units = {unit}, .state = phase, .more = caller.more, .health = health};
    moved_ = true;
}

const std::vector<std::string>* WaitingCalls::tell(CallId id, state::ClientImage& image) const {
    const auto at = calls_.find(id);
    if (at == calls_.end())
        return nullptr;
    image.goal = at->second.goal;
    image.state = at->second.state;
    image.health = at->second.health;
    return &at->second.units;
}

void WaitingCalls::adopt(const state::ClientImage& image) {
    calls_[CallId{image.call}] = {.goal = image.goal,
                                  .units = image.units,
                                  .not_read = image.units,
                                  .state = image.state,
                                  .more = image.more,
                                  .health = image.health};
    moved_ = true;
}

void WaitingCalls::publish(const wire::Event& event) {
    std::vector<CallId> hearers;
    for (const auto& [id, call] : calls_)
        if (call.more && call.goal != Goal::state)
            hearers.push_back(id);
    if (!hearers.empty())
        parts_.control->broadcast(hearers, wire::Progress{event, {}});
}

void WaitingCalls::end_all(Goal goal, const wire::Error* error) {
    std::erase_if(calls_, [&](const auto& entry) {
        if (entry.second.goal != goal)
            return false;
        if (error != nullptr)
            parts_.control->error(entry.first, *error);
        else
            parts_.control->reply(entry.first, wire::Nothing{});
        return true;
    });
}

bool WaitingCalls::settled(Goal goal, UnitId unit, wire::JobResult& result) const {
    const core::Engine& engine = parts_.engine;
    const core::Record& record = engine.record(unit);
    const core::Facts& facts = engine.facts(unit);
    const Phase phase = result.state = record.phase;
    switch (goal) {
    case Goal::stop:
        if (record.asked != core::Asked::down && facts.wanted) {
            result.message = "it was started again meanwhile";
            result.outcome = wire::JobOutcome::superseded;
            break;
        }
        if (phase == Phase::stopping || core::active(phase))
            return false;
        result.ok = true;
        break;
    case Goal::reload:
        if (phase == Phase::reloading)
            return false;
        result.ok = (phase == Phase::up || phase == Phase::done) && record.detail.empty();
        if (!result.ok && (phase == Phase::up || phase == Phase::done)) {
            result.message = record.detail;
            result.outcome = wire::JobOutcome::reload_failed;
        }
        break;
    case Goal::restart:
        if (record.next == core::Next::restart)
            return false;
        [[fallthrough]];
    case Goal::isolate:
        // A target is also all that it leaves out.
        if (goal == Goal::isolate)
            for (UnitId other : engine.graph().ids())
                if (core::active(engine.record(other).phase) && !engine.facts(other).wanted)
                    return false;
        [[fallthrough]];
    case Goal::start:
        if (is_on_its_way(phase, facts))
            return false;
        // A service that ran to its good end at once did start.
        result.ok = core::good(phase) || record.next == core::Next::rest;
        break;
    case Goal::end:
        if (transient(phase) || phase == Phase::up || phase == Phase::backoff || (phase == Phase::down && facts.coming))
            return false;
        result.ok = phase != Phase::failed && phase != Phase::invalid;
        result.last_exit = wire::told(record.last_exit);
        break;
    case Goal::events:
    case Goal::state:
    case Goal::switch_root:
    case Goal::reexec: return false; // others answer these
    }
    result.reason_kind = record.reason;
    if (!result.ok && result.message.empty()) {
        result.message = join(core::explain(engine, unit), " ");
        result.outcome = wire::JobOutcome::failed;
    }
    return true;
}

// What was started and is another unit than its file says, to a client that started a few.
void WaitingCalls::tell_of_files(const Waiting& call, wire::Progress& progress) const {
    constexpr std::size_t few = 16;
    if ((call.goal != Goal::start && call.goal != Goal::restart) || progress.results.size() > few)
        return;
    for (wire::JobResult& result : progress.results)
        if (UnitId unit = parts_.engine.graph().find(result.unit);
            result.ok && unit != core::no_unit && std::ranges::find(call.not_read, result.unit) != call.not_read.end())
            result.message = parts_.catalog.files.staleness(unit);
}

void WaitingCalls::turn_ended() {
    if (!std::exchange(moved_, false))
        return;
    std::erase_if(calls_, [this](const auto& entry) {
        const auto& [id, call] = entry;
        switch (call.goal) {
        case Goal::events:
        case Goal::reexec:
        case Goal::switch_root: return false;
        case Goal::state: return answer_state(id, call);
        case Goal::start:
        case Goal::stop:
        case Goal::restart:
        case Goal::reload:
        case Goal::isolate:
        case Goal::end: return answer_units(id, call);
        }
        unreachable("there is no other goal");
    });
}

bool WaitingCalls::answer_state(CallId id, const Waiting& call) {
    const std::string& name = call.units[0];
    const UnitId unit = parts_.engine.graph().find(name);
    if (unit == core::no_unit) {
        parts_.control->error(id, wire::NoSuchUnit{name, {}});
        return true;
    }
    const core::Record& record = parts_.engine.record(unit);
    const bool is_there = call.health
                              ? record.health == *call.health
                              : record.phase == call.state || (call.state == Phase::up && core::good(record.phase));
    if (is_there)
        parts_.control->reply(id, wire::UnitReply{status_of(parts_, unit, Detail::plain)});
    else if (record.phase == Phase::failed || record.phase == Phase::invalid)
        parts_.control->error(id,
                              wire::JobFailed{name, record.phase, core::reason(parts_.engine, unit), record.reason});
    else
        return false;
    return true;
}

bool WaitingCalls::answer_units(CallId id, const Waiting& call) {
    wire::Progress progress;
    for (const std::string& name : call.units) {
        // A transient one goes when it is down: that is what a stop was to come to.
        const bool was_to_go = call.goal == Goal::stop;
        wire::JobResult result{name, was_to_go, Phase::down, was_to_go ? "" : "it is gone"};
        result.outcome = was_to_go ? wire::JobOutcome::reached : wire::JobOutcome::gone;
        if (UnitId unit = parts_.engine.graph().find(name); unit != core::no_unit) {
            result.message.clear();
            result.outcome = wire::JobOutcome::reached;
            if (!settled(call.goal, unit, result))
                return false;
        }
        progress.results.push_back(std::move(result));
    }
    tell_of_files(call, progress);
    parts_.control->reply(id, progress);
    return true;
}

} // namespace mi::daemon
