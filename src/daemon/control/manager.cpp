#include "daemon/control/manager.hpp"

#include "base/join.hpp"
#include "base/text.hpp"
#include "core/explain.hpp"

#include <algorithm>

namespace mi::daemon {

using core::Phase;
using core::UnitId;
using EngineEvent = core::Event;

namespace {

constexpr std::size_t most_idle_instances = 256;

// Phases that a unit leaves by itself.
bool transient(Phase phase) {
    return phase == Phase::waiting || phase == Phase::starting || phase == Phase::stopping || phase == Phase::reloading;
}

// Whether a start goes on. One that waits for what nobody is going to bring up will not come by itself.
bool is_on_its_way(Phase phase, const core::Facts& facts) {
    if (phase == Phase::waiting)
        return facts.coming || !facts.wanted;
    return transient(phase) || (phase == Phase::down && facts.coming);
}

} // namespace

void Manager::call(CallId id, const Caller& caller, wire::Request request) {
    parts_.flush.take_barrier();
    std::visit([&](const auto& one) { answer(id, caller, one); }, request);
}

void Manager::tell(const core::Event& event) {
    parts_.context.now = parts_.kernel.now();
    parts_.context.apply(event);
}

void Manager::gone(CallId id) {
    jobs_.erase(id);
    subscriptions_.erase(id);
}

std::size_t memory_of(const std::vector<std::string>& names) {
    std::size_t bytes = names.capacity() * sizeof(std::string);
    for (const std::string& name : names)
        bytes += name.capacity();
    return bytes;
}

// What is to be started is what its file says now.
void Manager::read_again(const std::vector<std::string>& names) {
    std::vector<UnitId> units;
    for (const std::string& name : names)
        if (UnitId unit = parts_.engine.graph().find(name); unit != core::no_unit)
            units.push_back(unit);
    parts_.unit_files.read_again(units);
}

// About the file of a unit that cannot be used: `start` reads it again, unless the unit runs.
std::string Manager::what_to_do(UnitId unit) const {
    return core::active(parts_.engine.record(unit).phase)
               ? "; it goes on as it was started, and `minictl reload-units` reads its file when that is mended"
               : "";
}

// Whether what runs could be started again once it is stopped. The caller was told if not.
bool Manager::can_restart(CallId id, const std::vector<UnitId>& units) {
    const core::Engine& engine = parts_.engine;
    for (UnitId unit : units) {
        const std::string& fault = engine.last_read(unit).fault;
        if (core::active(engine.record(unit).phase) && (engine.is_gone(unit) || !fault.empty())) {
            parts_.control->error(id,
                                  wire::InvalidUnit{engine.graph().name(unit),
                                                    (fault.empty() ? "its file is gone" : fault) + what_to_do(unit)});
            return false;
        }
    }
    return true;
}

bool Manager::find(CallId id, const std::vector<std::string>& names, Named which, std::vector<UnitId>& ids) {
    const bool startable = which == Named::startable;
    // Something that is named and is no unit.
    auto unknown = [this](UnitId unit) {
        const core::Graph& graph = parts_.engine.graph();
        return unit == core::no_unit || core::is_phantom(graph.unit(unit));
    };
    if (startable)
        read_again(names);
    std::vector<bool> seen; // a unit that is named ten thousand times, by a name or an alias, is one
    for (const std::string& name : names) {
        UnitId unit = parts_.engine.graph().find(name);
        // To read a file takes as long as all of a bundle takes to read: anybody else could hold us up with that.
        if (unknown(unit) && (startable || (which == Named::templates && name.contains('@') &&
                                            parts_.unit_files.idle_instances() < most_idle_instances)))
            unit = parts_.unit_files.find_or_read(name);
        const core::Graph& graph = parts_.engine.graph();
        if (unknown(unit)) {
            std::vector<std::string_view> known;
            for (UnitId other : graph.ids())
                if (other != unit)
                    known.push_back(graph.name(other));
            wire::NoSuchUnit error{name, {}};
            if (std::string_view near = nearest(name, known); !near.empty())
                error.nearest = near;
            parts_.control->error(id, error);
            return false;
        }
        const core::Unit& said = parts_.engine.last_read(unit);
        if (startable && said.masked) {
            parts_.control->error(id, wire::Masked{name});
            return false;
        }
        if (startable && !said.fault.empty()) {
            parts_.control->error(id, wire::InvalidUnit{name, said.fault + what_to_do(unit)});
            return false;
        }
        if (seen.size() < graph.size())
            seen.resize(graph.size());
        if (!seen[unit])
            ids.push_back(unit);
        seen[unit] = true;
    }
    return true;
}

void Manager::begin(CallId id, const Caller& caller, Goal goal, const std::vector<UnitId>& ids, bool wait) {
    const core::Engine& engine = parts_.engine;
    if (!wait || !parts_.control->waiting(id)) {
        wire::Progress progress;
        for (UnitId unit : ids)
            progress.results.push_back({engine.graph().name(unit), true, engine.record(unit).phase, ""});
        parts_.control->reply(id, progress);
        return;
    }
    Job job{.goal = goal, .more = caller.more};
    for (UnitId unit : ids) {
        job.units.push_back(engine.graph().name(unit));
        if (core::active(engine.record(unit).phase))
            job.not_read.push_back(job.units.back());
    }
    jobs_[id] = std::move(job);
    moved_ = true; // it may be as asked already
}

bool Manager::tell(CallId call, state::ClientImage& image) const {
    if (auto at = subscriptions_.find(call); at != subscriptions_.end()) {
        image.units = at->second.units;
        return true;
    }
    auto at = jobs_.find(call);
    if (at == jobs_.end())
        return false;
    image.goal = at->second.goal;
    image.units = at->second.units;
    image.state = at->second.state;
    return true;
}

void Manager::adopt(const state::ClientImage& image) {
    const CallId call{image.call};
    auto refuse = [&] {
        parts_.control->error(call, wire::NotSupported{"the manager is another one now, and does not know this call"});
    };
    if (image.asks_unknown) {
        refuse();
        return;
    }
    switch (image.goal) {
    case Goal::events: {
        Subscription& subscription = subscriptions_[call] = {image.units};
        std::ranges::sort(subscription.units);
        parts_.control->charge(call, memory_of(subscription.units));
        return;
    }
    case Goal::start:
    case Goal::stop:
    case Goal::restart:
    case Goal::reload:
    case Goal::isolate:
    case Goal::state:
    case Goal::end:
        jobs_[call] = {.goal = image.goal,
                       .units = image.units,
                       .not_read = image.units,
                       .state = image.state,
                       .more = image.more};
        moved_ = true;
        return;
    case Goal::reexec: parts_.control->reply(call, wire::Nothing{}); return;
    case Goal::switch_root: refuse(); return; // that root is this one
    }
}

// --- what happened ----------------------------------------------------------------------------------------------------

bool Manager::settled(Goal goal, UnitId unit, wire::JobResult& result) const {
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
        result.ok = phase == Phase::up && record.detail.empty();
        if (!result.ok && phase == Phase::up) {
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

wire::Event Manager::event_of(UnitId unit, Phase from, Phase to) const {
    const core::Engine& engine = parts_.engine;
    const core::Record& record = engine.record(unit);
    wire::Event event;
    event.kind = wire::EventKind::state;
    event.realtime = parts_.kernel.wall_now().micros;
    event.monotonic = micros(parts_.kernel.now());
    event.unit = engine.graph().name(unit);
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
    if (to == Phase::stopping || to == Phase::backoff || to == Phase::failed || to == Phase::down)
        event.last_exit = wire::told(record.last_exit);
    return event;
}

void Manager::publish(const wire::Event& event) {
    ControlServer* control = parts_.control.get();
    if (control == nullptr)
        return;
    std::vector<CallId> hearers;
    for (const auto& [id, subscription] : subscriptions_)
        if (subscription.units.empty() || (event.unit && std::ranges::binary_search(subscription.units, *event.unit)))
            hearers.push_back(id);
    if (!hearers.empty())
        control->broadcast(hearers, wire::EventReply{event});
    if (event.kind != wire::EventKind::state)
        return;
    hearers.clear();
    for (const auto& [id, job] : jobs_)
        if (job.more && job.goal != Goal::state)
            hearers.push_back(id);
    if (!hearers.empty())
        control->broadcast(hearers, wire::Progress{event, {}});
}

void Manager::changed(UnitId unit, Phase from, Phase to) {
    moved_ = true;
    publish_statuses(); // they were said before
    if (!subscriptions_.empty() || !jobs_.empty())
        publish(event_of(unit, from, to));
}

// A service may say how it is a thousand times in a turn, and a thousand may listen: the last of it is published.
void Manager::status_changed(UnitId unit) {
    if (!subscriptions_.empty())
        statuses_.insert(parts_.engine.graph().name(unit));
}

void Manager::publish_statuses() {
    for (const std::string& name : std::exchange(statuses_, {})) {
        const UnitId unit = parts_.engine.graph().find(name);
        if (unit == core::no_unit)
            continue;
        wire::Event event;
        event.kind = wire::EventKind::status;
        event.realtime = parts_.kernel.wall_now().micros;
        event.monotonic = micros(parts_.kernel.now());
        event.unit = name;
        event.text = parts_.units[unit].status;
        publish(event);
    }
}

void Manager::announced(const std::string& text) {
    if (subscriptions_.empty())
        return;
    wire::Event event;
    event.kind = wire::EventKind::manager;
    event.realtime = parts_.kernel.wall_now().micros;
    event.monotonic = micros(parts_.kernel.now());
    event.text = text;
    publish(event);
}

// What was started and is another unit than its file says, to a client that started a few.
void Manager::tell_of_files(const Job& job, wire::Progress& progress) const {
    constexpr std::size_t few = 16;
    if ((job.goal != Goal::start && job.goal != Goal::restart) || progress.results.size() > few)
        return;
    for (wire::JobResult& result : progress.results)
        if (UnitId unit = parts_.engine.graph().find(result.unit);
            result.ok && unit != core::no_unit && std::ranges::find(job.not_read, result.unit) != job.not_read.end())
            result.message = parts_.unit_files.staleness(unit);
}

void Manager::turn_ended() {
    publish_statuses();
    if (!std::exchange(moved_, false) || jobs_.empty())
        return;
    ControlServer* control = parts_.control.get();
    const core::Graph& graph = parts_.engine.graph();
    std::vector<CallId> done;
    for (const auto& [id, job] : jobs_) {
        if (job.goal == Goal::state) {
            UnitId unit = graph.find(job.units[0]);
            if (unit == core::no_unit) {
                control->error(id, wire::NoSuchUnit{job.units[0], {}});
                done.push_back(id);
                continue;
            }
            Phase phase = parts_.engine.record(unit).phase;
            if (phase == job.state || (job.state == Phase::up && core::good(phase))) {
                control->reply(id, wire::UnitReply{status_of(parts_, unit, Detail::plain)});
                done.push_back(id);
            } else if (phase == Phase::failed || phase == Phase::invalid) {
                control->error(id, wire::JobFailed{job.units[0], phase, core::reason(parts_.engine, unit),
                                                   parts_.engine.record(unit).reason});
                done.push_back(id);
            }
            continue;
        }
        if (job.goal == Goal::reexec || job.goal == Goal::switch_root)
            continue;
        wire::Progress progress;
        for (const std::string& name : job.units) {
            // A transient one goes when it is down: that is what a stop was to come to.
            const bool was_to_go = job.goal == Goal::stop;
            wire::JobResult result{name, was_to_go, Phase::down, was_to_go ? "" : "it is gone"};
            result.outcome = was_to_go ? wire::JobOutcome::reached : wire::JobOutcome::gone;
            if (UnitId unit = graph.find(name); unit != core::no_unit) {
                result.message.clear();
                result.outcome = wire::JobOutcome::reached;
                if (!settled(job.goal, unit, result))
                    break;
            }
            progress.results.push_back(std::move(result));
        }
        if (progress.results.size() == job.units.size()) {
            tell_of_files(job, progress);
            control->reply(id, progress);
            done.push_back(id);
        }
    }
    for (CallId id : done)
        jobs_.erase(id);
}

} // namespace mi::daemon
