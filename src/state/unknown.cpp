// Decides what to do with saved state that contains numbers of a later version. An unknown value is never treated as
// some other one. An item that can be dropped is dropped. One that must be kept (a unit, a process, the manager) counts
// as the state that changes the least: running processes go on, none is started a second time, no unit waits for ever,
// and the machine does not end.
#include "state/snapshot.hpp"

#include "base/unreachable.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mi::state {

namespace {

using core::Asked;
using core::Next;
using core::OwnEnd;
using core::Phase;
using core::Record;
using core::Role;
using core::Stage;
using wire::unknown;

// Calls `found` with every unknown enumerator in `value`.
template <typename T>
void each_unknown(T& value, auto&& found) {
    using Value = std::remove_const_t<T>;
    if constexpr (std::is_enum_v<Value>) {
        if (value == unknown<Value>)
            found(value);
    } else if constexpr (wire::is_optional<Value>) {
        if (value)
            each_unknown(*value, found);
    } else if constexpr (wire::is_vector<Value>) {
        for (auto& one : value)
            each_unknown(one, found);
    } else if constexpr (wire::Recorded<Value>) {
        Value::fields(value, [&](auto&... members) { (each_unknown(members, found), ...); });
    }
}

template <typename T>
bool has_unknown(const T& value) {
    bool any = false;
    each_unknown(value, [&](const auto&) { any = true; });
    return any;
}

// Collects sentences for the log: one for all units with the same text.
class Report {
public:
    void add(std::string what, std::string name) {
        for (auto& [known, names] : said_)
            if (known == what) {
                names.push_back(std::move(name));
                return;
            }
        said_.push_back({std::move(what), {std::move(name)}});
    }
    [[nodiscard]] std::vector<std::string> sentences() const {
        std::vector<std::string> all;
        for (const auto& [what, names] : said_) {
            std::string text;
            for (std::size_t i = 0; i < std::min(names.size(), most_names); ++i)
                text += (i > 0 ? ", " : "") + names[i];
            if (names.size() > most_names)
                text += " and " + std::to_string(names.size() - most_names) + " more";
            all.push_back(text + ": " + what);
        }
        return all;
    }

private:
    static constexpr std::size_t most_names = 8;
    std::vector<std::pair<std::string, std::vector<std::string>>> said_;
};

// Replaces the remaining unknown values by the fallbacks of the tables.
template <typename T>
void use_fallbacks(T& value, const std::string& name, Report& report) {
    each_unknown(value, [&]<typename E>(E& one) {
        if constexpr (requires { wire::Numbers<E>::fallback; }) {
            one = wire::Numbers<E>::fallback;
            report.add("its saved " + std::string(wire::Numbers<E>::name) +
                           " is of a later version; it counts as not known",
                       name);
        }
    });
}

// The phase and stage in which a command of this role runs.
std::pair<Phase, Stage> place_of(Role hook) {
    switch (hook) {
    case Role::pre_start: return {Phase::starting, Stage::pre_start};
    case Role::post_start: return {Phase::starting, Stage::post_start};
    case Role::stop: return {Phase::stopping, Stage::stop};
    case Role::post_stop: return {Phase::stopping, Stage::post_stop};
    case Role::reload: return {Phase::reloading, Stage::none};
    case Role::none:
    case Role::main:
    case Role::connection:
    case Role::probe: return {Phase::up, Stage::none};
    }
    unreachable("there is no other role");
}

// Derives the phase of a unit from its processes. Keeps the deadline only for a stage that has one.
void phase_from_processes(Record& record) {
    if (record.main_pid == core::pid_pending) {
        record.phase = Phase::starting;
        record.stage = Stage::main;
    } else if (record.hook_pid != 0 && record.hook != Role::none) {
        std::tie(record.phase, record.stage) = place_of(record.hook);
    } else if (record.main_pid > 0) {
        record.phase = Phase::up; // the next WATCHDOG=1 restarts its watchdog
        record.stage = Stage::none;
        record.deadline = never;
    } else {
        record.stage = record.armed ? Stage::idle : Stage::none;
        record.deadline = never;
        // The unit waits for a restart; or it satisfies others without a process (a target, or a oneshot that has
        // ended); or it is at rest.
        if (record.armed)
            record.phase = Phase::up;
        else if (record.next == Next::rest)
            record.phase = Phase::down;
        else if (record.own_end != OwnEnd::none || record.next == Next::restart)
            record.phase = Phase::waiting;
        else if (record.came_up)
            record.phase = record.last_exit.kind == core::ExitStatus::Kind::none ? Phase::up : Phase::done;
        else
            record.phase = Phase::down;
    }
}

// Derives the stage from a known phase.
void stage_from_phase(Record& record) {
    switch (record.phase) {
    case Phase::starting:
        if (record.hook_pid == 0 && record.main_pid == 0) {
            record.phase = Phase::waiting; // no process exists yet: start it from the beginning
            record.stage = Stage::none;
            record.deadline = never;
        } else if (record.hook_pid != 0 && place_of(record.hook).first == Phase::starting) {
            record.stage = place_of(record.hook).second;
        } else {
            record.stage = Stage::main;
        }
        return;
    case Phase::stopping:
        if (record.hook_pid != 0 && record.hook == Role::post_stop) {
            record.stage = Stage::post_stop;
        } else {
            record.stage = Stage::stop; // as if the time of its stop command were over: it is told to end (again)
            record.deadline = Instant{};
        }
        return;
    case Phase::up: record.stage = record.armed && record.main_pid == 0 ? Stage::idle : Stage::none; return;
    case Phase::down:
    case Phase::waiting:
    case Phase::reloading:
    case Phase::backoff:
    case Phase::done:
    case Phase::skipped:
    case Phase::failed:
    case Phase::invalid: record.stage = Stage::none; return;
    }
}

// Drops values that belong to the unit's original phase and not to the new one.
void drop_impossible(Record& record) {
    if (record.phase != Phase::up)
        record.frozen = false;
    if (!core::fits(record.phase, record.next))
        record.next = Next::as_wanted;
}

void settle_record(Record& record, const std::string& name, Report& report) {
    if (record.hook == unknown<Role>) {
        report.add("a command of it is of a kind of a later version, and not waited for", name);
        record.hook = Role::none;
        record.hook_pid = 0;
        if (record.phase != unknown<Phase> && record.stage != unknown<Stage>)
            stage_from_phase(record); // the unit waited for that command
    }
    if (record.phase == unknown<Phase>) {
        phase_from_processes(record);
        report.add("its phase is of a later version; by its processes it counts as " +
                       std::string(core::name(record.phase)),
                   name);
    } else if (record.stage == unknown<Stage>) {
        const Phase before = record.phase;
        stage_from_phase(record);
        report.add("its stage in \"" + std::string(core::name(before)) + "\" is of a later version; " +
                       (record.phase == before ? "it goes on from the nearest one" : "it is started anew"),
                   name);
    }
    drop_impossible(record);
    if (record.asked == unknown<Asked>) {
        // A running unit stays running, a unit at rest stays at rest.
        record.asked = core::active(record.phase) ? Asked::up : Asked::nothing;
        report.add("what was asked of it is of a later version; it stays as it is", name);
    }
}

// A shutdown is continued as far as it is understood. If it is unknown whether one is in progress, none is. If its
// final action is unknown, services have been stopped already; then it becomes a reboot, the only ending after which
// people can reach the machine.
void settle_ending(ManagerImage& manager, Report& report) {
    using Halt = core::Engine::Halt;
    if (manager.halt == unknown<Halt>) {
        const bool ends = manager.ending != core::Ending::none && manager.ending != unknown<core::Ending>;
        manager.halt = ends ? Halt::stopping : Halt::no;
        report.add(ends ? "how far the shutdown is, is of a later version; it begins again"
                        : "a kind of shutdown of a later version is not gone on with",
                   "manager");
    }
    if (manager.ending == unknown<core::Ending>) {
        manager.ending = manager.halt == Halt::no ? core::Ending::none : core::Ending::reboot;
        report.add(manager.halt == Halt::no ? "an ending of a later version is dropped"
                                            : "the ending under way is of a later version; it will be a reboot",
                   "manager");
    }
}

void settle_unit(UnitImage& unit, Report& report) {
    settle_record(unit.record, unit.name, report);
    if (unit.line && unit.line->access && *unit.line->access == unknown<core::NotifyAccess>) {
        unit.line->access.reset();
        report.add("who may notify is of a later version; its unit file says it", unit.name);
    }
    if (std::erase_if(unit.sockets, [](const SocketImage& socket) { return has_unknown(socket); }) > 0)
        report.add("a socket of a kind of a later version is closed", unit.name);
    use_fallbacks(unit, unit.name, report);
}

// A process with an unknown role is ended together with the rest of its unit; the main process is recognised by its
// pid.
void settle_processes(Snapshot& state, const auto& name_of, Report& report) {
    for (auto at = state.processes.begin(); at != state.processes.end();) {
        auto& [pid, process] = *at++;
        if (process.role != unknown<Role>)
            continue;
        auto unit = state.units.find(process.unit);
        if (unit != state.units.end() && unit->second.record.main_pid == pid) {
            process.role = Role::main;
            continue;
        }
        report.add("a process of it has a part of a later version, and is not waited for", name_of(process.unit));
        state.processes.erase(pid);
    }
    if (std::optional<SpawnImage>& spawned = state.spawned; spawned && spawned->role == unknown<Role>) {
        report.add("its newest process has a part of a later version, and is not waited for", name_of(spawned->unit));
        spawned.reset();
    } else if (spawned && spawned->line && spawned->line->access == unknown<core::NotifyAccess>) {
        spawned->line->access.reset();
    }
}

// The output of a process is a pipe, whatever its source is called, and can be read. A stream from any other unknown
// source cannot.
void settle_streams(Snapshot& state, Report& report) {
    auto is_output = [&](std::uint32_t id) {
        return std::ranges::any_of(state.processes,
                                   [&](const auto& one) { return one.second.out == id || one.second.err == id; });
    };
    for (auto at = state.streams.begin(); at != state.streams.end();) {
        auto& [id, stream] = *at++;
        if (stream.source == unknown<wire::logs::Source> && !is_output(id)) {
            report.add("a source of log lines of a later version is dropped", stream.unit);
            state.streams.erase(id);
        } else {
            use_fallbacks(stream, stream.unit, report);
        }
    }
}

void settle_clients(Snapshot& state, Report& report) {
    for (auto& [fd, client] : state.clients)
        if (has_unknown(client)) {
            client.asks_unknown = true;
            client.goal = Goal::events;
            client.state = Phase::up;
            report.add("a client waits for something of a later version, and is told to ask again", "manager");
        }
}

// Drops pending effects and exits with unknown values. The end of a process is noticed without its saved exit.
void drop_effects_and_exits(Snapshot& state, const auto& name_of, Report& report) {
    std::erase_if(state.effects, [&](const EffectImage& effect) {
        if (!has_unknown(effect))
            return false;
        report.add("something that was to be done for it is of a later version, and dropped", name_of(effect.unit));
        return true;
    });
    std::erase_if(state.exits, [&](const ExitImage& exit) {
        if (!has_unknown(exit))
            return false;
        report.add("how process " + std::to_string(exit.pid) + " ended is of a later version, and dropped", "manager");
        return true;
    });
}

} // namespace

void Snapshot::settle_unknown() {
    Report report;
    auto name_of = [&](std::uint32_t id) {
        auto at = units.find(id);
        return at == units.end() ? std::string("manager") : at->second.name;
    };
    for (const auto& [number, count] : unknown_items_)
        report.add(std::to_string(count) + " saved item(s) of kind " + std::to_string(number) +
                       " are of a later version, and dropped",
                   "manager");
    settle_ending(manager, report);
    use_fallbacks(manager, "manager", report);
    for (auto& [id, unit] : units)
        settle_unit(unit, report);
    settle_processes(*this, name_of, report);
    settle_streams(*this, report);
    settle_clients(*this, report);
    drop_effects_and_exits(*this, name_of, report);
    dropped = report.sentences();
}

} // namespace mi::state
