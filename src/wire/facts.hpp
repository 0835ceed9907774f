// The data about units and the manager of which replies, events and errors consist (messages.hpp).
#pragma once

#include "wire/enums.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::wire {

// How a process ended.
struct Exit {
    static constexpr std::string_view type_name = "Exit",
                                      about = "How a process ended: `number` is its exit code or the number of the "
                                              "signal, `oom` that it was killed for want of memory.";
    core::ExitStatus::Kind kind = core::ExitStatus::Kind::code;
    std::int32_t number = 0; // exit code or signal number
    bool core = false;       // core dumped
    bool oom = false;        // killed by the kernel for lack of memory
    std::string text;        // "exit code 1", "signal SIGSEGV, core dumped"
    static void fields(auto& self, auto&& visit) {
        visit("kind", self.kind);
        visit("number", self.number);
        visit("core", self.core);
        visit("oom", self.oom);
        visit("text", self.text);
    }
};
// The exit with its words; nullopt if no process has ended yet.
[[nodiscard]] std::optional<Exit> told(const core::ExitStatus& exit);

// The relations of a unit to others in both directions, as now in force (sorted by name).
struct Dependencies {
    static constexpr std::string_view type_name = "Dependencies",
                                      about = "What a unit has to do with others, both ways round, as in force now.";
    std::vector<std::string> requires_, wants, milestones, after, before, conflicts, required_by, wanted_by, part_of,
        reload_with;
    static void fields(auto& self, auto&& visit) {
        visit("requires", self.requires_);
        visit("wants", self.wants);
        visit("milestones", self.milestones);
        visit("after", self.after);
        visit("before", self.before);
        visit("conflicts", self.conflicts);
        visit("required_by", self.required_by);
        visit("wanted_by", self.wanted_by);
        visit("part_of", self.part_of);
        visit("reload_with", self.reload_with);
    }
};

// One socket that is open for a unit.
struct Socket {
    static constexpr std::string_view type_name = "Socket",
                                      about = "One socket that is open for a unit. `connections`, `most` and "
                                              "`accepted` are of sockets that are accepted from.";
    std::string kind; // the `kind` in `[[listen]]`: stream, datagram, sequential-packet, fifo
    std::string address;
    std::string name; // in LISTEN_FDNAMES
    bool accept = false;
    std::uint32_t connections = 0; // with `accept`: those open now,
    std::uint32_t most = 0;        // the most that may be open at once,
    std::int64_t accepted = 0;     // and all that were accepted since the first
    static void fields(auto& self, auto&& visit) {
        visit("kind", self.kind);
        visit("address", self.address);
        visit("name", self.name);
        visit("accept", self.accept);
        visit("connections", self.connections);
        visit("most", self.most);
        visit("accepted", self.accepted);
    }
};

// All data about a unit. Times: `*_realtime` in microseconds since 1970 (UTC), `*_monotonic` in microseconds since
// boot.
struct UnitStatus {
    static constexpr std::string_view
        type_name = "UnitStatus",
        about = "Everything that is told of a unit. `tries` are restarts in a row without a "
                "stable run; `left_ms` is the time to the next try, or to the timeout of the "
                "stage; `changed`: its file says something else than what runs; `triggered`: "
                "a timer or a connection runs it; `transient`: it is of Run, and no file's; `lost`: what "
                "a unit of systemd asked for and does not get here.";
    std::string name;
    core::Kind kind = core::Kind::service;
    std::string description;
    core::Phase state = core::Phase::down;
    std::optional<core::Stage> stage; // the step within starting or stopping
    std::int64_t since_realtime = 0;  // when the state began
    std::int64_t since_monotonic = 0;
    std::string reason;               // the cause of the state, for people; reason_kind is for programs
    std::optional<std::string> cause; // the other unit that `reason` names
    std::optional<std::int32_t> main_pid;
    std::optional<std::int32_t> hook_pid; // of the command around the main process that runs now
    std::optional<core::Role> hook;       // the role of that command
    std::uint32_t restarts = 0;           // since boot
    std::uint32_t tries = 0;              // restarts in a row without a stable run
    std::optional<Exit> last_exit;
    std::optional<std::string> status_text; // the text that the service has sent (sd_notify STATUS)
    // Milliseconds until the next try in backoff, else until the timeout of the stage.
    std::optional<std::int64_t> left_ms;
    std::optional<std::string> file; // the file the unit was read from
    bool enabled = false;
    bool masked = false;
    bool changed = false;                     // the file was changed and re-read; takes effect at the next restart
    std::optional<Dependencies> dependencies; // only in Status, not in List
    // Its usage, counted by its cgroup or summed over processes (see `summed`). In Status, and in List with `usage`
    // (the peak only in Status), if the kernel reports it.
    std::optional<std::int64_t> memory_bytes, memory_peak_bytes;
    std::optional<std::int64_t> cpu_usec;  // microseconds of processor time of this run
    std::optional<std::int64_t> tasks;     // processes and their threads
    bool frozen = false;                   // by Freeze
    std::optional<std::string> error_text; // the error that the service has reported (sd_notify ERRNO, BUSERROR)
    std::uint32_t stored_descriptors = 0;  // descriptors that it stores with us across its restarts (sd_notify FDSTORE)
    std::vector<Socket> sockets;           // open ones, in the order of its file
    std::optional<std::string> timer;      // the times of its timer, in words
    // The next run of the timer (none if it is not armed or will never run), and the start of the last run: of a
    // persistent timer also one before this boot.
    std::optional<std::int64_t> next_realtime, last_run_realtime;
    core::Reason reason_kind = core::Reason::none; // the meaning of `reason`, for programs
    // The names of those among memory_bytes, cpu_usec and tasks that are no cgroup's counts, but sums over the living
    // processes; there shared memory counts once for each process.
    std::vector<std::string> summed;
    bool triggered = false; // a timer or a connection starts it: "up" only means that it is armed
    bool transient = false; // made by Run; it exists as long as it runs
    core::Health health = core::Health::none;
    // Lines of its log since boot: kept, and lost (no room for them, or beyond its rate-limit). Some seconds old.
    std::int64_t log_lines = 0, log_lost_lines = 0;
    // Keys of its file that are not in force, as the kernel refuses them to us: protections that it does without.
    std::vector<std::string> not_in_force;
    // What its file of another init says and nothing here does, with file and line; only in Status.
    std::vector<std::string> lost;
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("kind", self.kind);
        visit("description", self.description);
        visit("state", self.state);
        visit("stage", self.stage);
        visit("since_realtime", self.since_realtime);
        visit("since_monotonic", self.since_monotonic);
        visit("reason", self.reason);
        visit("cause", self.cause);
        visit("main_pid", self.main_pid);
        visit("hook_pid", self.hook_pid);
        visit("hook", self.hook);
        visit("restarts", self.restarts);
        visit("tries", self.tries);
        visit("last_exit", self.last_exit);
        visit("status_text", self.status_text);
        visit("left_ms", self.left_ms);
        visit("file", self.file);
        visit("enabled", self.enabled);
        visit("masked", self.masked);
        visit("changed", self.changed);
        visit("dependencies", self.dependencies);
        visit("memory_bytes", self.memory_bytes);
        visit("memory_peak_bytes", self.memory_peak_bytes);
        visit("cpu_usec", self.cpu_usec);
        visit("tasks", self.tasks);
        visit("frozen", self.frozen);
        visit("error_text", self.error_text);
        visit("stored_descriptors", self.stored_descriptors);
        visit("sockets", self.sockets);
        visit("timer", self.timer);
        visit("next_realtime", self.next_realtime);
        visit("last_run_realtime", self.last_run_realtime);
        visit("reason_kind", self.reason_kind);
        visit("summed", self.summed);
        visit("triggered", self.triggered);
        visit("transient", self.transient);
        visit("health", self.health);
        visit("log_lines", self.log_lines);
        visit("log_lost_lines", self.log_lost_lines);
        visit("not_in_force", self.not_in_force);
        visit("lost", self.lost);
    }
};

// One event. `state` sets: unit, from, state, reason, reason_kind, cause, main_pid, last_exit. `status`: unit and text.
// `health`: unit, state, health, reason. `manager`: only text ("target multi-user reached", "power-off begins").
struct Event {
    static constexpr std::string_view type_name = "Event",
                                      about = "One thing that happened: to the state of a unit, to what it says of "
                                              "itself (`text`), or to the manager (`text`).";
    EventKind kind = EventKind::state;
    std::int64_t realtime = 0;  // microseconds since 1970
    std::int64_t monotonic = 0; // microseconds since boot
    std::optional<std::string> unit;
    std::optional<core::Phase> from;
    std::optional<core::Phase> state;
    std::optional<core::Stage> stage;
    std::optional<std::string> reason;
    std::optional<std::int32_t> main_pid;
    std::optional<Exit> last_exit; // if an exit has caused the change
    std::optional<std::string> text;
    std::optional<std::int64_t> left_ms; // milliseconds, as in UnitStatus; so are these:
    std::optional<core::Reason> reason_kind;
    std::optional<std::string> cause;
    std::optional<core::Health> health; // of one that is probed
    static void fields(auto& self, auto&& visit) {
        visit("kind", self.kind);
        visit("realtime", self.realtime);
        visit("monotonic", self.monotonic);
        visit("unit", self.unit);
        visit("from", self.from);
        visit("state", self.state);
        visit("stage", self.stage);
        visit("reason", self.reason);
        visit("main_pid", self.main_pid);
        visit("last_exit", self.last_exit);
        visit("text", self.text);
        visit("left_ms", self.left_ms);
        visit("reason_kind", self.reason_kind);
        visit("cause", self.cause);
        visit("health", self.health);
    }
};

// The result for one unit of Start, Stop and similar methods.
struct JobResult {
    static constexpr std::string_view type_name = "JobResult",
                                      about = "What became of one unit of Start and its like. `ok`: what was asked for "
                                              "is so, or without `wait` under way.";
    std::string unit;
    bool ok = false; // the requested state is reached (without `wait`: on its way)
    core::Phase state = core::Phase::down;
    std::string message;           // for people; if the outcome is `failed`, the sentences of Explain
    std::optional<Exit> last_exit; // only from Run that waits for the end
    JobOutcome outcome = JobOutcome::reached;
    core::Reason reason_kind = core::Reason::none; // of the state
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("ok", self.ok);
        visit("state", self.state);
        visit("message", self.message);
        visit("last_exit", self.last_exit);
        visit("outcome", self.outcome);
        visit("reason_kind", self.reason_kind);
    }
};

// One unit in an explanation; the next unit is its cause.
struct Link {
    static constexpr std::string_view type_name = "Link",
                                      about = "One unit of an explanation; the next one of the chain is its cause.";
    std::string unit;
    core::Phase state = core::Phase::down;
    core::Reason reason_kind = core::Reason::none;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
        visit("reason_kind", self.reason_kind);
    }
};

// One unit in a dependency tree, and the edges from it.
struct TreeEdge {
    static constexpr std::string_view type_name = "TreeEdge", about = "What a unit of a tree leads to, and how.";
    core::Relation relation = core::Relation::requirement;
    std::string unit;
    static void fields(auto& self, auto&& visit) {
        visit("relation", self.relation);
        visit("unit", self.unit);
    }
};
struct TreeNode {
    static constexpr std::string_view type_name = "TreeNode", about = "One unit of a tree.";
    std::string unit;
    core::Phase state = core::Phase::down;
    std::vector<TreeEdge> edges;
    core::Kind kind = core::Kind::service;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
        visit("edges", self.edges);
        visit("kind", self.kind);
    }
};

// One feature of the system, and the substitute without it.
struct Feature {
    static constexpr std::string_view type_name = "Feature",
                                      about = "One ability of the system, and what is done where it is missing.";
    std::string name;
    bool available = false;
    std::string detail;  // details of the detection
    std::string instead; // the substitute if it is missing; empty: none is needed
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("available", self.available);
        visit("detail", self.detail);
        visit("instead", self.instead);
    }
};

// How a unit came up for the first time since boot, in microseconds since boot: when it was first wanted, when its
// start began, when the units that waited for it could go on, and when the start had ended or failed. `outcome`: the
// state it reached.
struct FirstStart {
    static constexpr std::string_view type_name = "FirstStart",
                                      about =
                                          "How a unit came up for the first time since boot, in microseconds since "
                                          "boot: since when it was wanted, when its start began, when those that wait "
                                          "for it could go on, when that was over or had failed, and what it came to.";
    std::int64_t waiting = 0;
    std::optional<std::int64_t> starting, up, ended;
    core::Phase outcome = core::Phase::down;
    static void fields(auto& self, auto&& visit) {
        visit("waiting", self.waiting);
        visit("starting", self.starting);
        visit("up", self.up);
        visit("ended", self.ended);
        visit("outcome", self.outcome);
    }
};

// When a unit's last start began (0: it was wanted, but never started) and when it was up, in microseconds since boot;
// and the times of its first start.
struct UnitTime {
    static constexpr std::string_view type_name = "UnitTime",
                                      about = "When a unit's last start began (0: never) and when it was up, in "
                                              "microseconds since boot; and its first start.";
    std::string unit;
    std::int64_t starting = 0;
    std::optional<std::int64_t> up;
    std::optional<FirstStart> first;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("starting", self.starting);
        visit("up", self.up);
        visit("first", self.first);
    }
};

// A shutdown at a set time.
struct ScheduledShutdown {
    static constexpr std::string_view
        type_name = "ScheduledShutdown",
        about = "An end that is to come at a set time. `warn_only`: people are told, and that is all.";
    Ending how = Ending::poweroff;
    std::int64_t at_realtime = 0; // microseconds since 1970
    std::string message;          // from the user who scheduled it
    std::string who;              // that user
    bool warn_only = false;       // only warns people; the machine goes on
    static void fields(auto& self, auto&& visit) {
        visit("how", self.how);
        visit("at_realtime", self.at_realtime);
        visit("message", self.message);
        visit("who", self.who);
        visit("warn_only", self.warn_only);
    }
};

} // namespace mi::wire
