// The replies of the methods of the control socket (messages.hpp).
#pragma once

#include "wire/facts.hpp"
#include "wire/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mi::wire {

// Success without data.
struct Nothing {
    static void fields(auto&, auto&&) {}
};
struct Units {
    std::vector<UnitStatus> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};
struct Explanation {
    core::Phase state = core::Phase::down;
    std::vector<std::string> sentences; // for people: from the unit down to the root cause
    std::vector<Link> chain;            // the same for programs: one link for each sentence
    static void fields(auto& self, auto&& visit) {
        visit("state", self.state);
        visit("sentences", self.sentences);
        visit("chain", self.chain);
    }
};
struct Branches {
    std::vector<std::string> roots; // the roots of the drawing
    std::vector<TreeNode> nodes;    // every unit reachable from the roots, once
    static void fields(auto& self, auto&& visit) {
        visit("roots", self.roots);
        visit("nodes", self.nodes);
    }
};
// Of Start and similar methods: with `more`, every reply but the last has an event, and the last has the results.
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
    std::string target; // the target that was requested last, with `default` resolved; empty: none
    bool target_reached = false;
    std::uint32_t units = 0;                   // number of known units
    std::vector<std::string> failed;           // names of units that have failed or are invalid
    std::string log_directory;                 // the present directory of the logs
    std::vector<std::string> backoff;          // names of units that ended badly and will be started again
    std::string config;                        // the manager's file, as in --config; empty: none
    std::vector<std::string> unit_directories; // the search path, first match wins; empty if it is unknown
    bool insecure_units_allowed = false;       // unit files are read even if other users can write to them
    std::optional<ScheduledShutdown> scheduled;
    std::vector<std::string> notes;         // notes about this boot for the administrator, one sentence each
    std::uint32_t crashes = 0, reexecs = 0; // how often PID 1 was executed again: after a fault of its own, on request
    std::optional<std::string> last_crash;  // the last fault, and its time
    std::string watchdog;                   // the hardware watchdog and its timeout; empty: none is armed
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
// The shutdown that is scheduled now, and the one before.
struct Schedule {
    std::optional<ScheduledShutdown> scheduled, before;
    static void fields(auto& self, auto&& visit) {
        visit("scheduled", self.scheduled);
        visit("before", self.before);
    }
};
// Microseconds since boot (of the kernel).
struct Times {
    std::int64_t init = 0;                      // when the init was executed: the time before belongs to the kernel
    std::optional<std::int64_t> units_loaded;   // unit files are read, the first start begins
    std::optional<std::int64_t> target_reached; // `default` reached
    std::vector<UnitTime> units;
    static void fields(auto& self, auto&& visit) {
        visit("init", self.init);
        visit("units_loaded", self.units_loaded);
        visit("target_reached", self.target_reached);
        visit("units", self.units);
    }
};

// Of io.systemd.Metrics.
struct Metric {
    std::string name;
    RawJson value;
    std::optional<std::string> object; // the unit
    std::optional<RawMap> fields_;
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("value", self.value);
        visit("object", self.object);
        visit("fields", self.fields_);
    }
};
struct MetricFamilyReply {
    std::string name, description;
    MetricType type = MetricType::gauge;
    static void fields(auto& self, auto&& visit) {
        visit("name", self.name);
        visit("description", self.description);
        visit("type", self.type);
    }
};

} // namespace mi::wire
