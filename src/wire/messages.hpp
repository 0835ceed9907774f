// What is said on the control socket: the interface org.miniinit.Manager. Requests, replies and errors are plain structs;
// each names its fields once, in `fields`, and the JSON codec, the interface description and `minictl --json` walk that one
// list. How they become bytes is json.hpp's and varlink.hpp's; what they do is the daemon's.
//
// These names are a public interface: fields are added at the end, never renamed. Readers ignore fields that they do not
// know and default those that are missing; an optional or a bool may be left out of a request.
#pragma once

#include "wire/enums.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mi::wire {

constexpr std::string_view interface_name = "org.miniinit.Manager";
// Varlink's own: introspection, and the errors of the protocol itself.
constexpr std::string_view service_interface = "org.varlink.service";

// ---- what is told -------------------------------------------------------------------------------------------------------

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
                                          "stage; `changed`: its file says something else than what runs.";
    std::string name;
    core::Kind kind = core::Kind::service;
    std::string description;
    core::Phase state = core::Phase::down;
    std::optional<core::Stage> stage; // where inside starting or stopping
    std::int64_t since_realtime = 0;  // when the state began
    std::int64_t since_monotonic = 0;
    std::string reason;               // a sentence: why it is in this state
    std::optional<std::string> cause; // the other unit the reason speaks of
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
    std::vector<std::string> not_in_force;    // keys it uses that this version reads but does not act on
    std::optional<Dependencies> dependencies; // told by Status, not by List
    // What its cgroup uses; by Status, and by List with `usage` (the peak by Status alone), where the kernel tells.
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
        visit("not_in_force", self.not_in_force);
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
    }
};

// One thing that happened. For `state`: unit, from, state, reason, main_pid, last_exit. For `status`: unit and text. For
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
    std::optional<std::int64_t> left_ms; // as in UnitStatus
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
    std::string message;           // a sentence; for a failure the explanation
    std::optional<Exit> last_exit; // told by Run, to the end
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("ok", self.ok);
        visit("state", self.state);
        visit("message", self.message);
        visit("last_exit", self.last_exit);
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

// ---- replies ------------------------------------------------------------------------------------------------------------

// Done, nothing to tell.
struct Nothing {
    static void fields(auto&, auto&&) {}
};
struct Units {
    std::vector<UnitStatus> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};
struct Explanation {
    core::Phase state = core::Phase::down;
    std::vector<std::string> sentences; // from the unit down to the root cause
    static void fields(auto& self, auto&& visit) {
        visit("state", self.state);
        visit("sentences", self.sentences);
    }
};
struct Branches {
    std::vector<std::string> roots; // where to begin drawing
    std::vector<TreeNode> nodes;    // every unit that can be reached from there, once
    static void fields(auto& self, auto&& visit) {
        visit("roots", self.roots);
        visit("nodes", self.nodes);
    }
};
// Of Start and its like: with `more`, an event in each reply but the last; results in the last.
struct Progress {
    std::optional<Event> event;
    std::vector<JobResult> results;
    static void fields(auto& self, auto&& visit) {
        visit("event", self.event);
        visit("results", self.results);
    }
};
struct EventReply {
    Event event;
    static void fields(auto& self, auto&& visit) { visit("event", self.event); }
};
struct UnitReply {
    UnitStatus unit;
    static void fields(auto& self, auto&& visit) { visit("unit", self.unit); }
};
struct Changes {
    std::vector<std::string> added, changed, removed;
    std::vector<std::string> problems; // FILE:LINE:COL: error: …
    static void fields(auto& self, auto&& visit) {
        visit("added", self.added);
        visit("changed", self.changed);
        visit("removed", self.removed);
        visit("problems", self.problems);
    }
};
struct Features {
    std::vector<Feature> features;
    static void fields(auto& self, auto&& visit) { visit("features", self.features); }
};
struct Overview {
    std::string version;
    Mode mode = Mode::system;
    ManagerState state = ManagerState::starting;
    std::int32_t pid = 1;
    std::string target; // the one asked for last, `default` resolved; empty where there is none
    bool target_reached = false;
    std::uint32_t units = 0;                   // how many are known
    std::vector<std::string> failed;           // names of those failed or invalid
    std::string log_directory;                 // where the logs are now
    std::vector<std::string> backoff;          // names of those that ended badly and will be tried again
    std::string config;                        // the manager's file, as --config has it; empty: none
    std::vector<std::string> unit_directories; // the search path, first match wins; empty where nobody tells
    bool insecure_units_allowed = false;       // files are read whoever can write them
    std::optional<ScheduledShutdown> scheduled;
    std::vector<std::string> notes;         // what an administrator should know of this boot, a sentence each
    std::uint32_t crashes = 0, reexecs = 0; // how often PID 1 was executed anew: after a fault of its own, on request
    std::optional<std::string> last_crash;  // what that fault was, and when
    std::string watchdog;                   // the hardware watchdog and its time; empty: none is armed
    static void fields(auto& self, auto&& visit) {
        visit("version", self.version);
        visit("mode", self.mode);
        visit("state", self.state);
        visit("pid", self.pid);
        visit("target", self.target);
        visit("target_reached", self.target_reached);
        visit("units", self.units);
        visit("failed", self.failed);
        visit("log_directory", self.log_directory);
        visit("backoff", self.backoff);
        visit("config", self.config);
        visit("unit_directories", self.unit_directories);
        visit("insecure_units_allowed", self.insecure_units_allowed);
        visit("scheduled", self.scheduled);
        visit("notes", self.notes);
        visit("crashes", self.crashes);
        visit("reexecs", self.reexecs);
        visit("last_crash", self.last_crash);
        visit("watchdog", self.watchdog);
    }
};
// What is scheduled now, and what was before.
struct Schedule {
    std::optional<ScheduledShutdown> scheduled, before;
    static void fields(auto& self, auto&& visit) {
        visit("scheduled", self.scheduled);
        visit("before", self.before);
    }
};
// Microseconds since boot (of the kernel).
struct Times {
    std::int64_t init = 0;                      // when the init was executed: the kernel's share
    std::optional<std::int64_t> units_loaded;   // unit files read, first start begins
    std::optional<std::int64_t> target_reached; // `default` reached
    std::vector<UnitTime> units;
    static void fields(auto& self, auto&& visit) {
        visit("init", self.init);
        visit("units_loaded", self.units_loaded);
        visit("target_reached", self.target_reached);
        visit("units", self.units);
    }
};

// ---- requests -----------------------------------------------------------------------------------------------------------

// Whether a method answers with many replies: never, where the caller said `more`, or only if it did.
enum class Many : std::uint8_t { never, offered, demanded };

// `acts` methods are for those who may act; the others are for everyone.
struct Ping {
    using Reply = Nothing;
    static constexpr std::string_view method = "Ping", help = "Answers at once.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::never;
    static void fields(auto&, auto&&) {}
};
struct GetOverview {
    using Reply = Overview;
    static constexpr std::string_view method = "Overview", help = "The manager itself: version, mode, state, target.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::never;
    static void fields(auto&, auto&&) {}
};
// See `listed` for which units these are.
struct List {
    using Reply = Units;
    static constexpr std::string_view
        method = "List",
        help = "The units that are not down, by name; with `all` every one, with `failed` "
               "those that failed or are waiting to be tried again, with `timers` those "
               "that a timer runs, in any state. With `usage` also what they use, which costs a few "
               "reads each. With more, in portions.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::offered;
    bool all = false;
    bool failed = false;
    bool timers = false;
    bool usage = false;
    static void fields(auto& self, auto&& visit) {
        visit("all", self.all);
        visit("failed", self.failed);
        visit("timers", self.timers);
        visit("usage", self.usage);
    }
};
// Whether a unit in `state` belongs to what `list` asks for.
[[nodiscard]] constexpr bool listed(const List& list, core::Phase state) {
    if (list.failed)
        return state == core::Phase::failed || state == core::Phase::invalid || state == core::Phase::backoff;
    return list.all || list.timers || state != core::Phase::down;
}
struct Status {
    using Reply = Units;
    static constexpr std::string_view method = "Status",
                                      help = "Everything about the named units, in the order asked for.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::never;
    std::vector<std::string> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};
struct Explain {
    using Reply = Explanation;
    static constexpr std::string_view method = "Explain", help = "Why a unit is in its state, down to the root cause.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::never;
    std::string unit;
    static void fields(auto& self, auto&& visit) { visit("unit", self.unit); }
};
struct Tree {
    using Reply = Branches;
    static constexpr std::string_view method = "Tree",
                                      help = "What a unit (default: the target) requires, wants and has as milestones; "
                                             "reversed: what needs it. With `order` also what it only starts after, "
                                             "and its conflicts; with `whole` every unit there is.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::never;
    std::optional<std::string> unit;
    bool reverse = false;
    bool order = false;
    bool whole = false;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("reverse", self.reverse);
        visit("order", self.order);
        visit("whole", self.whole);
    }
};

// Start and its like share their shape: which units, and whether to answer only once it is done (default) or failed.
struct Job {
    using Reply = Progress;
    static constexpr bool acts = true;
    static constexpr Many many = Many::offered;
    std::vector<std::string> units;
    bool wait = true;
    static void fields(auto& self, auto&& visit) {
        visit("units", self.units);
        visit("wait", self.wait);
    }
};
struct Start : Job {
    static constexpr std::string_view method = "Start", help = "Starts units and what they need.";
};
struct Stop : Job {
    static constexpr std::string_view method = "Stop", help = "Stops units and what needs them.";
};
struct Restart : Job {
    static constexpr std::string_view method = "Restart", help = "Stops units, if they run, and starts them.";
};
struct TryRestart : Job {
    static constexpr std::string_view method = "TryRestart", help = "Restarts those of the units that are running.";
};
struct Reload : Job {
    static constexpr std::string_view method = "Reload", help = "Tells running services to read their settings again.";
};

struct Signal {
    using Reply = Nothing;
    static constexpr std::string_view method = "Signal",
                                      help = "Sends a signal, by number, to the main process; with `all` to every "
                                             "process of the unit.";
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    std::string unit;
    std::int32_t signal = 0;
    bool all = false;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("signal", self.signal);
        visit("all", self.all);
    }
};
// Freeze and Thaw share their shape.
struct Freezing {
    using Reply = Nothing;
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    std::vector<std::string> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};
struct Freeze : Freezing {
    static constexpr std::string_view method = "Freeze",
                                      help = "Lets no process of running services run until Thaw, or until a stop.";
};
struct Thaw : Freezing {
    static constexpr std::string_view method = "Thaw", help = "Lets frozen services run on.";
};
struct Reset {
    using Reply = Nothing;
    static constexpr std::string_view method = "Reset",
                                      help = "Forgets the failure and the restarts of units (none named: of all), so "
                                             "that they are tried again where they are wanted.";
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    std::vector<std::string> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};
struct Wait {
    using Reply = UnitReply;
    static constexpr std::string_view method = "Wait",
                                      help =
                                          "Answers once the unit is in the state (`up` is `done` too, for a oneshot). "
                                          "JobFailed where it has failed and will not get there by itself.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::never;
    std::string unit;
    core::Phase state = core::Phase::up;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
    }
};
struct Target {
    using Reply = Progress;
    static constexpr std::string_view method = "Target",
                                      help = "Stops what the target does not need, starts what it does.";
    static constexpr bool acts = true;
    static constexpr Many many = Many::offered;
    std::string name;
    bool wait = true;
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("wait", self.wait);
    }
};
struct Events {
    using Reply = EventReply;
    static constexpr std::string_view method = "Events",
                                      help =
                                          "What happens from now on, to the named units or (none named) to everything.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::demanded;
    std::optional<std::vector<std::string>> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};
struct ReloadUnits {
    using Reply = Changes;
    static constexpr std::string_view method = "ReloadUnits", help = "Reads the unit files again. What runs goes on.";
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    static void fields(auto&, auto&&) {}
};
struct Shutdown {
    using Reply = Schedule;
    static constexpr std::string_view method = "Shutdown",
                                      help = "Ends the machine (or the container), in order: now, or at a time, which "
                                             "replaces what was scheduled. People are told on their terminals.";
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    Ending how = Ending::poweroff;
    std::optional<std::int64_t> at_realtime; // microseconds since 1970; a step of the clock counts
    std::optional<std::int64_t> in_seconds;  // from now; a step of the clock does not
    std::optional<std::string> message, who; // what people are told, and by whom
    bool no_wall = false;                    // they are not
    bool warn_only = false;                  // that is all that happens
    static void fields(auto& self, auto&& visit) {
        visit("how", self.how);
        visit("at_realtime", self.at_realtime);
        visit("in_seconds", self.in_seconds);
        visit("message", self.message);
        visit("who", self.who);
        visit("no_wall", self.no_wall);
        visit("warn_only", self.warn_only);
    }
};
struct CancelShutdown {
    using Reply = Schedule;
    static constexpr std::string_view method = "CancelShutdown",
                                      help = "Takes back what was scheduled, and tells people so.";
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    std::optional<std::string> message, who;
    bool no_wall = false;
    static void fields(auto& self, auto&& visit) {
        visit("message", self.message);
        visit("who", self.who);
        visit("no_wall", self.no_wall);
    }
};
struct SwitchRoot {
    using Reply = Nothing;
    static constexpr std::string_view
        method = "SwitchRoot",
        help = "Stops everything in order, makes `root`, where a file system is mounted, the "
               "root directory, and executes `init` there (none named: the usual one).";
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    std::string root;
    std::optional<std::string> init;
    static void fields(auto& self, auto&& visit) {
        visit("root", self.root);
        visit("init", self.init);
    }
};
struct Probe {
    using Reply = Features;
    static constexpr std::string_view method = "Probe", help = "What the system offers and what is done without.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::never;
    static void fields(auto&, auto&&) {}
};
struct BootTimes {
    using Reply = Times;
    static constexpr std::string_view method = "BootTimes", help = "When the boot reached what, and each unit's share.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::never;
    static void fields(auto&, auto&&) {}
};

struct Run {
    using Reply = Progress;
    static constexpr std::string_view method = "Run",
                                      help =
                                          "Makes a unit from the text of a unit file and starts it. It is gone when it "
                                          "has ended; if it failed, when it is reset, stopped, or run again. With "
                                          "`to_the_end` the answer comes when it has ended.";
    static constexpr bool acts = true;
    static constexpr Many many = Many::offered;
    std::string name;
    std::string unit;
    bool wait = true;
    bool to_the_end = false;
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("unit", self.unit);
        visit("wait", self.wait);
        visit("to_the_end", self.to_the_end);
    }
};

struct Reexec {
    using Reply = Nothing;
    static constexpr std::string_view method = "Reexec",
                                      help =
                                          "Executes the init anew from its file. What runs goes on; connections end.";
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    static void fields(auto&, auto&&) {}
};
struct Crash {
    using Reply = Nothing;
    static constexpr std::string_view method = "Crash",
                                      help =
                                          "For tests: the init commits a fault. NotSupported without --debug-faults.";
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    std::string kind;
    static void fields(auto& self, auto&& visit) { visit("kind", self.kind); }
};

using Request = std::variant<Ping, GetOverview, List, Status, Explain, Tree, Start, Stop, Restart, TryRestart, Reload,
                             Signal, Reset, Wait, Target, Events, ReloadUnits, Shutdown, Probe, BootTimes, Freeze, Thaw,
                             Run, CancelShutdown, SwitchRoot, Reexec, Crash>;
using Reply = std::variant<Nothing, Units, Explanation, Branches, Progress, EventReply, UnitReply, Changes, Features,
                           Overview, Times, Schedule>;

// ---- errors -------------------------------------------------------------------------------------------------------------

struct NoSuchUnit {
    static constexpr std::string_view error = "NoSuchUnit", interface = interface_name,
                                      about = "There is no unit of this name; perhaps `nearest` was meant.";
    std::string unit;
    std::optional<std::string> nearest; // a name that was perhaps meant
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("nearest", self.nearest);
    }
};
struct PermissionDenied {
    static constexpr std::string_view error = "PermissionDenied", interface = interface_name,
                                      about = "The method is for those who may act.";
    std::string method;
    static void fields(auto& self, auto&& visit) { visit("method", self.method); }
};
struct InvalidUnit {
    static constexpr std::string_view error = "InvalidUnit", interface = interface_name,
                                      about = "The file of the unit cannot be used.";
    std::string unit;
    std::string message;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("message", self.message);
    }
};
struct Masked {
    static constexpr std::string_view error = "Masked", interface = interface_name,
                                      about = "The unit is masked: it cannot be started.";
    std::string unit;
    static void fields(auto& self, auto&& visit) { visit("unit", self.unit); }
};
// There is no process to signal or reload.
struct NotRunning {
    static constexpr std::string_view error = "NotRunning", interface = interface_name,
                                      about = "There is no process to signal or to reload.";
    std::string unit;
    core::Phase state = core::Phase::down;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
    }
};
struct JobFailed {
    static constexpr std::string_view error = "JobFailed", interface = interface_name,
                                      about = "The unit has failed and will not get there by itself.";
    std::string unit;
    core::Phase state = core::Phase::failed;
    std::string message;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
        visit("message", self.message);
    }
};
// The manager is ending and starts nothing any more.
struct ShuttingDown {
    static constexpr std::string_view error = "ShuttingDown", interface = interface_name,
                                      about = "The manager is ending and starts nothing any more.";
    static void fields(auto&, auto&&) {}
};
// The method exists and this manager does not do it now, or not here.
struct NotSupported {
    static constexpr std::string_view error = "NotSupported", interface = interface_name,
                                      about = "The method exists, but this manager does not do it now, or not here.";
    std::string message;
    static void fields(auto& self, auto&& visit) { visit("message", self.message); }
};
// The value of a parameter makes no sense (org.varlink.service's).
struct InvalidParameter {
    static constexpr std::string_view error = "InvalidParameter", interface = service_interface;
    std::string parameter;
    static void fields(auto& self, auto&& visit) { visit("parameter", self.parameter); }
};
// No such method (org.varlink.service's).
struct MethodNotFound {
    static constexpr std::string_view error = "MethodNotFound", interface = service_interface;
    std::string method;
    static void fields(auto& self, auto&& visit) { visit("method", self.method); }
};
// No such interface (org.varlink.service's).
struct InterfaceNotFound {
    static constexpr std::string_view error = "InterfaceNotFound", interface = service_interface;
    std::string name; // called `interface` in the message
    static void fields(auto& self, auto&& visit) { visit("interface", self.name); }
};
// The method answers many times and the caller did not say `more` (org.varlink.service's).
struct ExpectedMore {
    static constexpr std::string_view error = "ExpectedMore", interface = service_interface;
    static void fields(auto&, auto&&) {}
};

using Error = std::variant<NoSuchUnit, PermissionDenied, InvalidUnit, Masked, NotRunning, JobFailed, ShuttingDown,
                           NotSupported, InvalidParameter, MethodNotFound, InterfaceNotFound, ExpectedMore>;

} // namespace mi::wire
