// What is told of units and of the manager: the types that replies, events and errors are made of (messages.hpp).
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
    bool oom = false;        // killed for want of memory
    std::string text;        // "exit code 1", "signal SIGSEGV, core dumped"
    static void fields(auto& self, auto&& visit) {
        visit("kind", self.kind);
        visit("number", self.number);
        visit("core", self.core);
        visit("oom", self.oom);
        visit("text", self.text);
    }
};
// The exit as told, with its words; nothing where no process has ended yet.
[[nodiscard]] std::optional<Exit> told(const core::ExitStatus& exit);

// What a unit has to do with others, both ways round, as in force now (sorted by name).
struct Dependencies {
    static constexpr std::string_view type_name = "Dependencies",
                                      about = "What a unit has to do with others, both ways round, as in force now.";
    std::vector<std::string> requires_, wants, milestones, after, before, conflicts, required_by, wanted_by;
    static void fields(auto& self, auto&& visit) {
        visit("requires", self.requires_);
        visit("wants", self.wants);
        visit("milestones", self.milestones);
        visit("after", self.after);
        visit("before", self.before);
        visit("conflicts", self.conflicts);
        visit("required_by", self.required_by);
        visit("wanted_by", self.wanted_by);
    }
};

// One socket that is open for a unit.
struct Socket {
    static constexpr std::string_view type_name = "Socket",
                                      about = "One socket that is open for a unit. `connections`, `most` and "
                                              "`accepted` are of sockets that are accepted from.";
    std::string kind; // as the key of `[[listen]]` is called: stream, datagram, sequential-packet, fifo
    std::string address;
    std::string name; // in LISTEN_FDNAMES
    bool accept = false;
    std::uint32_t connections = 0; // with `accept`: that are open now,
    std::uint32_t most = 0;        // that may be open at once,
    std::int64_t accepted = 0;     // and that there were since it began to be accepted from
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

// Everything that is told of a unit. Times: `*_realtime` microseconds since 1970 (UTC), `*_monotonic` microseconds since boot.
struct UnitStatus {
    static constexpr std::string_view type_name = "UnitStatus",
                                      about =
                                          "Everything that is told of a unit. `tries` are restarts in a row without a "
                                          "stable run; `left_ms` is the time to the next try, or to the timeout of the "
                                          "stage; `changed`: its file says something else than what runs; `triggered`: "
                                          "a timer or a connection runs it; `transient`: it is of Run, and no file's.";
    std::string name;
    core::Kind kind = core::Kind::service;
    std::string description;
    core::Phase state = core::Phase::down;
    std::optional<core::Stage> stage; // where inside starting or stopping
    std::int64_t since_realtime = 0;  // when the state began
    std::int64_t since_monotonic = 0;
    std::string reason;               // for people: why it is in this state; for programs: reason_kind
    std::optional<std::string> cause; // the other unit that the reason speaks of
    std::optional<std::int32_t> main_pid;
    std::optional<std::int32_t> hook_pid; // of the command around the main process that runs now
    std::optional<core::Role> hook;       // which one
    std::uint32_t restarts = 0;           // since boot
    std::uint32_t tries = 0;              // restarts in a row without a stable run
    std::optional<Exit> last_exit;
    std::optional<std::string> status_text; // what the service says of itself (sd_notify STATUS)
    std::optional<std::int64_t> left_ms;    // until the next try in backoff, else until the timeout of the stage
    std::optional<std::string> file;        // the file the unit was read from
    bool enabled = false;
    bool masked = false;
    bool changed = false;                     // its file was changed and re-read; in force when it is restarted
    std::optional<Dependencies> dependencies; // told by Status, not by List
    // What its cgroup uses, or its processes do (see `summed`); by Status, and by List with `usage` (the peak by Status alone), where the kernel tells.
    std::optional<std::int64_t> memory_bytes, memory_peak_bytes;
    std::optional<std::int64_t> cpu_usec;  // processor time of this run
    std::optional<std::int64_t> tasks;     // processes and their threads
    bool frozen = false;                   // by Freeze
    std::optional<std::string> error_text; // the error the service says it has (sd_notify ERRNO, BUSERROR)
    std::uint32_t stored_descriptors = 0;  // that it keeps with us over its restarts (sd_notify FDSTORE)
    std::vector<Socket> sockets;           // open ones, in the order of its file
    std::optional<std::string> timer;      // when its timer runs it, in words
    // When that is next (none where it is not armed, or never), and when the last run began: of a persistent timer also
    // one before this boot.
    std::optional<std::int64_t> next_realtime, last_run_realtime;
    core::Reason reason_kind = core::Reason::none; // what `reason` says, for programs
    // Which of memory_bytes, cpu_usec and tasks no cgroup has counted: they are the sum over the processes that live now, with what
    // memory they share counted for each.
    std::vector<std::string> summed;
    bool triggered = false; // a timer or a connection runs it: to be up is only to be armed
    bool transient = false; // made by Run, for as long as it runs
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
    }
};

// One thing that happened. For `state`: unit, from, state, reason, reason_kind, cause, main_pid, last_exit. For `status`: unit and text. For
// `manager`: text alone ("target multi-user reached", "power-off begins").
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
    std::optional<Exit> last_exit; // where the change follows an exit
    std::optional<std::string> text;
    std::optional<std::int64_t> left_ms; // as in UnitStatus, as are these:
    std::optional<core::Reason> reason_kind;
    std::optional<std::string> cause;
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
    }
};

// What became of one unit of Start, Stop and their like.
struct JobResult {
    static constexpr std::string_view type_name = "JobResult",
                                      about = "What became of one unit of Start and its like. `ok`: what was asked for "
                                              "is so, or without `wait` under way.";
    std::string unit;
    bool ok = false; // what was asked for is so (without `wait`: is under way)
    core::Phase state = core::Phase::down;
    std::string message;           // for people; where the outcome is `failed`, the sentences of Explain
    std::optional<Exit> last_exit; // told by Run, to the end
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

// One unit of an explanation: the next one is its cause.
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

// One unit of a dependency tree and where its branches go.
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

// One ability of the system and what is done without it.
struct Feature {
    static constexpr std::string_view type_name = "Feature",
                                      about = "One ability of the system, and what is done where it is missing.";
    std::string name;
    bool available = false;
    std::string detail;  // what was found
    std::string instead; // what is done where it is missing; empty: nothing is lost
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("available", self.available);
        visit("detail", self.detail);
        visit("instead", self.instead);
    }
};

// How a unit came up for the first time since boot, microseconds since boot: since when it was wanted, when its start
// began, when those that wait for it could go on, and when that was over or had failed. `outcome`: what it came to.
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

// When a unit's last start began (0: it was wanted, but never started) and when it was up, microseconds since boot; and
// all of its first start.
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

// An end that is to come at a set time.
struct ScheduledShutdown {
    static constexpr std::string_view
        type_name = "ScheduledShutdown",
        about = "An end that is to come at a set time. `warn_only`: people are told, and that is all.";
    Ending how = Ending::poweroff;
    std::int64_t at_realtime = 0; // microseconds since 1970
    std::string message;          // of whoever scheduled it
    std::string who;              // that was
    bool warn_only = false;       // people are told, and that is all
    static void fields(auto& self, auto&& visit) {
        visit("how", self.how);
        visit("at_realtime", self.at_realtime);
        visit("message", self.message);
        visit("who", self.who);
        visit("warn_only", self.warn_only);
    }
};

} // namespace mi::wire
