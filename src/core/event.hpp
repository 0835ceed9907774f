// The engine's input and output: values without pointers or system calls.
#pragma once

#include "core/record.hpp"

#include <string>

namespace mi::core {

// How the machine (or the container) is to end.
enum class Ending : std::uint8_t { none, poweroff, reboot, halt, kexec, exit, switch_root };

// Something that happened.
struct Event {
    enum class Kind : std::uint8_t {
        // Somebody asks.
        start, // by hand: a triggered unit is run at once
        wish,  // as a target's wish: a triggered unit is armed
        stop,
        restart,
        reload,
        reset,
        isolate,  // make `unit` all that is asked for
        shutdown, // stop everything; the Effect `halt` follows when all is down
        leave,    // the same, but units with `switch-root = "keep"` that run go on: another root is made ready for them
        // The world answers. `role` says which of the unit's processes.
        conditions_met,
        condition_unmet,    // detail: which and why
        conditions_unknown, // detail: what could not be looked at, and why
        sockets_opened,
        sockets_failed, // detail: which socket and why; lasts; also of a unit that waits, and was read again
        trigger,        // a connection waits, or the time has come
        overrun,        // detail: the trigger comes again and again, to no effect
        spawned,        // pid
        spawn_failed,   // detail: the step and its error; lasts: another try fails in the same way
        exited,         // exit; with exit.oom, detail: for want of which memory
        emptied,        // no process of the unit is left
        // The service says so itself.
        ready,
        reloading,
        doubted,  // detail: what is held against its PID file
        main_pid, // pid: the verified process of a forking service, or MAINPID=
        extend,   // span: the present stage may take so much longer, from now
        alive,    // WATCHDOG=1
        hung,     // WATCHDOG=trigger
        watchdog, // span: how often `alive` has to come from now on; 0: never
        leaving,  // STOPPING=1
        // It cannot say so.
        freeze, // nothing of it gets to run, so nothing is expected of it
        thaw,
        // Of its health. Its probes are processes, with the role `probe`.
        line_matched, // the line that `log-line` waits for has come
        probe_words,  // detail: what the last probe, which failed, had to say; may come after its end
        // Of what [await] names, for a unit that waits, or goes on only as long as that is there.
        all_there,
        something_missing, // detail: what
        // A deadline may have passed.
        due,
    };
    Kind kind;
    UnitId unit = no_unit;
    Role role = Role::none;
    std::int32_t pid = 0;
    ExitStatus exit{};
    Span span{0};
    std::string detail{};
    bool lasts = false;
};

// Something to be done. Safe to repeat: the outcome comes back as an Event.
struct Effect {
    enum class Kind : std::uint8_t {
        check_conditions, // answer: conditions_met, condition_unmet or conditions_unknown
        open_sockets,     // answer: sockets_opened (at once where they are open still), or sockets_failed
        close_sockets,    // the unit is at rest, and its sockets go
        arm,              // nothing of it runs (or it has failed, and its timer goes on): await its trigger
        disarm,           // its trigger is awaited no longer
        spawn,            // the process of `role`, `index` in its list; answer: spawned or spawn_failed, later exited
        await_pid_file,   // answer: main_pid
        signal,           // `number` to `scope`
        sweep,            // `number` to whatever the unit has left (scope main: of the processes we started);
                          // answer: emptied, at once where nothing is left
        changed,          // phase went `from` -> `to`: for those who watch
        release,          // the unit is at rest: what was kept for its run can go
        health,           // it has become healthy, or unhealthy: for those who watch
        conclude, // exit-action, or the action of a restart limit, of `unit`: `ending`, with the exit code `number`
        halt,     // all is down after a shutdown
    };
    static constexpr std::size_t kinds = static_cast<std::size_t>(Kind::halt) + 1;
    enum class Scope : std::uint8_t { main, everything };
    Kind kind;
    UnitId unit = no_unit;
    Role role = Role::none;
    std::uint8_t index = 0;
    Scope scope = Scope::main;
    std::int32_t number = 0;
    Phase from = Phase::down, to = Phase::down;
    Ending ending = Ending::none;
};

} // namespace mi::core
