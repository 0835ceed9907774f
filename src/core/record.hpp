// The present state of a unit: plain data without pointers, so that saving the engine means copying its records.
#pragma once

#include "base/time.hpp"
#include "base/unreachable.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mi::core {

// Index of a unit in the graph, and of its record in the engine.
using UnitId = std::uint32_t;
constexpr UnitId no_unit = ~UnitId{0};
// More than any machine has. Tables have an entry for each id, so an id from outside must be checked against this.
constexpr UnitId most_units = 1 << 20;

// The phases of a unit. `up`, `reloading`, `done` and `skipped` satisfy a unit that requires this one.
enum class Phase : std::uint8_t {
    down,
    waiting, // for its dependencies
    starting,
    up,
    reloading,
    stopping,
    backoff, // waits for the next try
    done,    // a oneshot that succeeded
    skipped, // a condition was not met
    failed,
    invalid, // its file cannot be used
};
[[nodiscard]] std::string_view name(Phase phase);

// What somebody said about the unit itself, as opposed to what other units need of it.
enum class Asked : std::uint8_t {
    nothing,
    up,
    down,
    up_alone, // although a unit that it is part of was stopped; until that is stopped again
};

// Whether a stop follows the unit's own end, or its failure, without a request; and what that end counts as.
enum class OwnEnd : std::uint8_t { none, failure, success };

// What is to become of the unit, beside what is asked of it and what others need of it.
enum class Next : std::uint8_t {
    as_wanted,
    rest,    // it ended by itself: wanted or not, it is not started until somebody asks
    restart, // it is stopped, and then started again
    again,   // it was done, and runs once more: until that has ended it is as good as done
    keep,    // it goes on while everything else is stopped for a switch of the root
};

// Which of a unit's processes: the main one, or a command around it.
// `connection`: one for a connection that was accepted; the engine does not hear of those. `probe`: one of [health].
enum class Role : std::uint8_t { none, pre_start, main, post_start, reload, stop, post_stop, connection, probe };
[[nodiscard]] std::string_view name(Role role);

// Where inside `starting` or `stopping` a unit is.
enum class Stage : std::uint8_t {
    none,
    conditions,
    sockets, // its sockets are being opened
    idle,    // up and armed: nothing runs until its trigger comes
    pre_start,
    main,     // spawned, waiting for readiness (or for the end of a oneshot)
    pid_file, // forking: the parent is gone, the PID file is awaited
    health,   // its first good probe is awaited
    post_start,
    stop,      // stop-command
    terminate, // the stop signal is sent
    kill,      // SIGKILL is sent
    sweep,     // the main process is gone; what it left behind is being ended
    post_stop,
    last_sweep, // what post-stop left behind
};

// Why the record is in its phase.
enum class Reason : std::uint8_t {
    none,
    asked,              // by hand, or because something wants it
    unneeded,           // nothing wants it any more
    dependency_failed,  // cause: the unit
    dependency_stopped, // cause: the unit
    conflict,           // cause: the unit that was started
    condition,          // detail: which
    spawn_failed,       // detail: the step and its error
    exited,             // last_exit
    start_timeout,
    stop_timeout,
    pre_start_failed,
    post_start_failed,
    protocol, // detail: what was expected (a PID file, readiness) and did not come
    restart_limit,
    restarting,    // stopped to be started again
    watchdog,      // WATCHDOG=1 did not come in time, or it said itself that it hangs
    leaving,       // it said that it is stopping (STOPPING=1)
    trigger_limit, // detail: triggered again and again, to no effect
    shutdown,
    file,               // invalid: detail has the message
    sockets_failed,     // detail: the sentence
    conditions_unknown, // they could not be looked at; detail: the sentence
    unhealthy,          // as many probes in a row failed as may; detail: the last words
    await_timeout,      // what [await] names did not come in time; detail: what of it
    await_lost,         // it has gone; detail: what of it
    whole_stopped,      // cause: the unit that it is part of
};

// What the probes of `[health]` say of the run.
enum class Health : std::uint8_t { none, starting, healthy, unhealthy };
[[nodiscard]] std::string_view name(Health health);

// Whether what [await] names is there.
enum class Presence : std::uint8_t {
    unknown,         // not said yet
    missing,         // the unit waits for it, perhaps for ever
    missing_for_now, // it waits no longer than its timeout
    there,
    lost, // it has gone, and the unit is not to be up without it
};

// How a process ended.
struct ExitStatus {
    enum class Kind : std::uint8_t { none, code, signal };
    Kind kind = Kind::none;
    bool core = false;
    bool oom = false;
    std::int32_t number = 0; // exit code or signal
    static ExitStatus code(int number) { return {Kind::code, false, false, number}; }
    static ExitStatus signal(int number, bool core = false) { return {Kind::signal, core, false, number}; }
    bool operator==(const ExitStatus&) const = default;
    static void fields(auto& self, auto&& visit) { visit(self.kind, self.core, self.oom, self.number); }
};

// In place of a PID: the process is being started, with an unknown outcome.
constexpr std::int32_t pid_pending = -1;

struct Record {
    Phase phase = Phase::down;
    Asked asked = Asked::nothing;
    Stage stage = Stage::none;
    Reason reason = Reason::none;
    Role hook = Role::none;        // of the command that is running now, if hook_pid != 0
    OwnEnd own_end = OwnEnd::none; // of the stop that is under way, or was the last
    Next next = Next::as_wanted;
    // Every combination of these is possible: a timer is armed without sockets, sockets stay open over a restart, and what
    // is armed may be asked to run once more while its present run ends.
    bool came_up = false;  // at least once since it was last down by our will: what `milestones` look at
    bool open = false;     // its sockets are
    bool armed = false;    // its trigger is in force: it is as good as up whether it runs or not
    bool demand = false;   // it is to be run as soon as it is armed, without waiting for the trigger
    bool hopeless = false; // its start failed, and fails in the same way until somebody changes something
    bool frozen = false;   // only while up: it does not get to run, and is not expected to say that it is alive
    Health health = Health::none;
    Presence presence = Presence::unknown;
    bool probe_over = false; // the probe that runs is being ended, and nothing it says counts any more
    std::uint8_t hook_index = 0;
    std::int32_t main_pid = 0; // 0: none
    std::int32_t hook_pid = 0;
    std::uint32_t tries = 0;    // restarts in a row without a stable run
    std::uint32_t restarts = 0; // all of them
    std::uint32_t rounds = 0;   // starts in a row by the end of a unit in a ring with this one (Graph::ring)
    UnitId cause = no_unit;     // the other unit that `reason` speaks of
    UnitId yields_to = no_unit; // what it conflicts with, if that, and not a request, made `asked` down
    Instant since{};            // when the phase began
    Instant up_since{};         // when it last came up
    Instant not_before{};       // a start that comes earlier waits for that
    Instant deadline = never;   // of the present stage, the end of backoff, or the watchdog's while up
    Span watchdog{0};           // how often it has to say that it is alive; 0: need not
    std::int32_t probe_pid = 0; // of the probe that runs; 0: none
    std::uint32_t probe_failures = 0,
                  probe_successes = 0; // in a row, the last ones; failures are known until the next start
    Instant probe_at = never;          // the next probe is due; while one runs: its time is over
    ExitStatus last_exit;
    std::string detail; // words for `reason`
    bool operator==(const Record&) const = default;
};

// Whether that can be next in this phase.
[[nodiscard]] bool fits(Phase phase, Next next);

// Whether a record can be like this when what an event does to it is done: a phase has only its own stages, what is not up is
// not frozen, what rests is down, and what is kept is not stopping.
[[nodiscard]] bool possible(const Record& record);

// The exit code of a container that ends with a unit like this, which has come to its end for good, or is just coming to it: what
// it ended with itself, as a shell has it. 1 where it failed in another way: it did not start in time, was ended for that, ...
[[nodiscard]] int end_code(const Record& record);

// Whether something has gone wrong with a unit for good. One that is masked is invalid by somebody's will.
[[nodiscard]] constexpr bool has_failed(Phase phase, bool masked) {
    return phase == Phase::failed || (phase == Phase::invalid && !masked);
}

// Whether the unit holds anything that has to be stopped before it is down.
[[nodiscard]] constexpr bool active(Phase phase) {
    switch (phase) {
    case Phase::starting:
    case Phase::up:
    case Phase::reloading:
    case Phase::stopping:
    case Phase::done: return true;
    case Phase::down:
    case Phase::waiting:
    case Phase::backoff:
    case Phase::skipped:
    case Phase::failed:
    case Phase::invalid: return false;
    }
    unreachable("there is no other phase");
}

// Whether a unit that requires this one may run.
[[nodiscard]] constexpr bool good(Phase phase) {
    switch (phase) {
    case Phase::up:
    case Phase::reloading:
    case Phase::done:
    case Phase::skipped: return true;
    case Phase::down:
    case Phase::waiting:
    case Phase::starting:
    case Phase::stopping:
    case Phase::backoff:
    case Phase::failed:
    case Phase::invalid: return false;
    }
    unreachable("there is no other phase");
}

// The same for a record: an armed unit is also good while a triggered run starts, ends or is retried; a unit that was
// `done` is good while it runs again.
[[nodiscard]] constexpr bool good(const Record& record) {
    return good(record.phase) || record.next == Next::again ||
           (record.armed &&
            (record.phase == Phase::starting || record.phase == Phase::backoff || record.phase == Phase::waiting ||
             (record.phase == Phase::stopping && record.own_end != OwnEnd::none)));
}

} // namespace mi::core
