// What the methods of the control socket answer (messages.hpp).
#pragma once

#include "wire/facts.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace mi::wire {

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
    std::vector<std::string> sentences; // for people: from the unit down to the root cause
    std::vector<Link> chain;            // the same for programs: one for each sentence
    static void fields(auto& self, auto&& visit) {
        visit("state", self.state);
        visit("sentences", self.sentences);
        visit("chain", self.chain);
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

} // namespace mi::wire
