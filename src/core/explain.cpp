#include "core/explain.hpp"

#include "base/signals.hpp"

#include <algorithm>

namespace mi::core {

namespace {

const std::string& other(const Engine& engine, UnitId id) {
    static const std::string unknown = "a unit that is gone";
    return engine.graph().contains(id) ? engine.graph().name(id) : unknown;
}

std::string_view verb(Relation relation) {
    switch (relation) {
    case Relation::requirement: return "requires";
    case Relation::want: return "wants";
    case Relation::milestone: return "has as a milestone";
    default: return "comes after";
    }
}

bool stopped_by_hand(const Record& record) { return record.asked == Asked::down && record.yields_to == no_unit; }

// A unit that must stop before `id` does, or no_unit.
UnitId holder(const Engine& engine, UnitId id) {
    for (const Edge& edge : engine.graph().needed_by(id))
        if (downward(edge.relation, engine.facts(edge.unit)).held > 0)
            return edge.unit;
    return no_unit;
}

// A dependency that keeps `id` from starting, the strongest relation first; null: none.
const Edge* blocker(const Engine& engine, UnitId id) {
    const Edge* found = nullptr;
    for (const Edge& edge : engine.graph().needs(id))
        if (upward(edge.relation, engine.facts(edge.unit)).blocked > 0 &&
            (found == nullptr || edge.relation < found->relation))
            found = &edge;
    return found;
}

// Whether it would start if what [await] names were there.
bool awaits_something(const Unit& unit, const Record& record) {
    return unit.await && !unit.await->things.empty() && record.presence != Presence::there;
}

// A unit that wants `id` up, or no_unit.
UnitId puller(const Engine& engine, UnitId id) {
    for (const Edge& edge : engine.graph().needed_by(id))
        if (downward(edge.relation, engine.facts(edge.unit)).pulled > 0)
            return edge.unit;
    return no_unit;
}

} // namespace

std::string text(const ExitStatus& exit) {
    switch (exit.kind) {
    case ExitStatus::Kind::none: return {};
    case ExitStatus::Kind::code: return "exit code " + std::to_string(exit.number);
    case ExitStatus::Kind::signal:
        return "signal " + signal_name(exit.number) + (exit.core ? ", core dumped" : "") +
               (exit.oom ? ", out of memory" : "");
    }
    unreachable("a process ends in no other way");
}

namespace {

// An addition to the exit status: SIGSYS is how a system call filter ends a process that makes a denied call.
std::string filter_words(const Engine& engine, UnitId id) {
    constexpr int bad_system_call = 31; // SIGSYS
    const Unit& unit = engine.graph().unit(id);
    const ExitStatus& exit = engine.record(id).last_exit;
    bool filtered = unit.process && unit.process->confinement && !unit.process->confinement->system_call_filter.empty();
    return filtered && exit.kind == ExitStatus::Kind::signal && exit.number == bad_system_call
               ? ", for a system call that its system-call-filter denies"
               : "";
}

} // namespace

std::string probe_text(const HealthCheck& check) {
    constexpr std::string_view kinds[] = {"", "command ", "", "tcp ", "unix ", "log-line "};
    return std::string(kinds[static_cast<std::size_t>(check.probe)]) + check.subject;
}

std::string probe_report(const Unit& unit, const Record& record) {
    const std::string which = unit.health ? " (" + probe_text(*unit.health) + ")" : "";
    if (unit.health && unit.health->probe == HealthCheck::Probe::log_line)
        return "no line of its output has matched yet" + which;
    if (record.probe_failures == 0)
        return "its health probe has not succeeded yet" + which;
    return "its health probe" + which + " has failed " +
           (record.probe_failures == 1 ? std::string("once")
                                       : std::to_string(record.probe_failures) + " times in a row") +
           (record.detail.empty() ? "" : ": " + record.detail);
}

namespace {

// Of a unit that is to start, and cannot yet.
std::string why_waiting(const Engine& engine, UnitId id) {
    const Record& record = engine.record(id);
    if (const Edge* edge = blocker(engine, id))
        return "it " + std::string(verb(edge->relation)) + " " + other(engine, edge->unit) + ", which is " +
               std::string(name(engine.record(edge->unit).phase));
    if (engine.counts(id).conflicting > 0)
        return "a unit it conflicts with has to stop first";
    if (engine.counts(id).leaving > 0)
        return "a unit that it is part of has to stop first";
    if (awaits_something(engine.graph().unit(id), record))
        return record.detail.empty() ? "it is looked whether what it awaits is there" : "it waits for " + record.detail;
    return "as many units are starting as parallel-starts allows";
}

} // namespace

std::string reason(const Engine& engine, UnitId id) {
    const Record& record = engine.record(id);
    const bool probed = record.stage == Stage::health ||
                        (record.phase == Phase::up && record.health != Health::none && record.probe_failures > 0);
    if (probed && (record.reason == Reason::asked || record.reason == Reason::none))
        return (record.health == Health::unhealthy ? "it is unhealthy: " : "") +
               probe_report(engine.graph().unit(id), record);
    std::string detail = record.detail.empty() ? "" : ": " + record.detail;
    if (record.stage == Stage::idle)
        return std::string(engine.graph().unit(id).timer ? "it waits for its time" : "it listens for connections") +
               (record.reason == Reason::condition ? "; condition not met" + detail : "");
    switch (record.reason) {
    case Reason::none: return {};
    case Reason::asked:
        if (record.phase == Phase::waiting)
            return why_waiting(engine, id);
        if (record.phase == Phase::stopping)
            return "stopped by hand" + (record.detail.empty() ? "" : "; " + record.detail);
        if (record.phase == Phase::down && record.asked == Asked::down)
            return "stopped by hand";
        return record.detail;
    case Reason::unneeded:
        return record.phase == Phase::stopping || !stopped_by_hand(record) ? "nothing needs it" : "stopped by hand";
    case Reason::dependency_failed: return "dependency failed: " + other(engine, record.cause);
    case Reason::dependency_stopped: return other(engine, record.cause) + ", which it requires, stopped";
    case Reason::whole_stopped: return other(engine, record.cause) + ", which it is part of, stopped";
    case Reason::conflict: return "it conflicts with " + other(engine, record.cause);
    case Reason::condition: return "condition not met" + detail;
    case Reason::spawn_failed: return "cannot start" + detail;
    case Reason::exited:
        if (record.last_exit.oom)
            return "killed: out of memory" + (record.detail.empty() ? "" : " (" + record.detail + ")");
        return (record.last_exit.kind == ExitStatus::Kind::none ? "it ended"
                                                                : "it ended with " + text(record.last_exit)) +
               filter_words(engine, id) + detail;
    case Reason::start_timeout: return "it was not ready within its start-timeout" + detail;
    case Reason::stop_timeout: return "it did not stop within its stop-timeout" + detail;
    case Reason::pre_start_failed: return "pre-start failed" + detail;
    case Reason::post_start_failed: return "post-start failed" + detail;
    case Reason::protocol: return record.detail;
    case Reason::restart_limit:
        return "it ended too often in a row" + (record.detail.empty() ? "" : ", " + record.detail);
    case Reason::restarting: return "it is being restarted";
    case Reason::watchdog: return "its watchdog ran out" + detail;
    case Reason::unhealthy: return "it was unhealthy: " + probe_report(engine.graph().unit(id), record);
    case Reason::await_timeout: return "what it waited for did not come within its [await] timeout" + detail;
    case Reason::await_lost: return "what it awaits is gone" + detail;
    case Reason::leaving: return "it says that it is stopping" + detail;
    case Reason::trigger_limit: return "it was triggered too often" + detail;
    case Reason::shutdown: return "the system is shutting down";
    case Reason::file:
    case Reason::sockets_failed:
    case Reason::conditions_unknown: return record.detail;
    }
    unreachable("there is no other reason");
}

std::string last_end(const Engine& engine, UnitId id) {
    const Record& record = engine.record(id);
    const std::string detail = record.detail.empty() ? "" : ": " + record.detail;
    if (record.reason == Reason::spawn_failed)
        return "last with a failed start" + detail;
    if (record.reason == Reason::exited && record.last_exit.kind != ExitStatus::Kind::none)
        return "last with " + text(record.last_exit) + filter_words(engine, id) + detail;
    return "the last time because " + reason(engine, id);
}

UnitId cause(const Engine& engine, UnitId id) {
    const Record& record = engine.record(id);
    if (record.phase == Phase::waiting) {
        const Edge* edge = blocker(engine, id);
        return edge != nullptr ? edge->unit : no_unit;
    }
    const bool of_another = record.reason == Reason::dependency_failed || record.reason == Reason::dependency_stopped ||
                            record.reason == Reason::conflict || record.reason == Reason::whole_stopped;
    return of_another && engine.graph().contains(record.cause) ? record.cause : no_unit;
}

std::vector<UnitId> chain(const Engine& engine, UnitId id) {
    std::vector<UnitId> units;
    for (; engine.graph().contains(id) && std::ranges::find(units, id) == units.end(); id = cause(engine, id))
        units.push_back(id);
    return units;
}

std::string sentence(const Engine& engine, UnitId id) {
    const Record& record = engine.record(id);
    const bool is_asked_down = record.phase == Phase::down && record.asked == Asked::down;
    std::string why = reason(engine, id);
    bool says_by_hand = record.reason == Reason::asked || record.reason == Reason::unneeded;
    if (record.next == Next::rest) {
        why = "it " + (record.last_exit.kind == ExitStatus::Kind::none
                           ? std::string("completed")
                           : "ended by itself with " + text(record.last_exit));
        says_by_hand = false;
    } else if (active(record.phase) && record.phase != Phase::stopping && record.asked == Asked::down) {
        const UnitId first = holder(engine, id);
        why =
            (record.yields_to == no_unit ? "stopped by hand" : "it conflicts with " + other(engine, record.yields_to)) +
            (first == no_unit ? "" : "; " + other(engine, first) + " stops first");
    } else if (active(record.phase) && why.empty()) {
        UnitId by = puller(engine, id);
        if (record.asked == Asked::up || record.asked == Asked::up_alone)
            why = "it was asked for";
        else if (by != no_unit)
            why = other(engine, by) + " needs it";
    } else if (record.phase == Phase::down && why.empty()) {
        why = "nothing has asked for it";
    }
    std::string words = engine.graph().name(id) + " is " + std::string(name(record.phase));
    if (!why.empty())
        words += ": " + why;
    if (is_asked_down && record.yields_to != no_unit && record.reason != Reason::conflict)
        words += " (it conflicts with " + other(engine, record.yields_to) + ")";
    else if (is_asked_down && record.yields_to == no_unit && !says_by_hand)
        words += " (stopped by hand)";
    return words + ".";
}

std::vector<std::string> explain(const Engine& engine, UnitId id) {
    std::vector<std::string> sentences;
    for (UnitId unit : chain(engine, id))
        sentences.push_back(sentence(engine, unit));
    return sentences;
}

} // namespace mi::core
