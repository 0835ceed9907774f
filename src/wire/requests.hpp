// The methods of the control socket: the parameters and the reply of each (messages.hpp).
#pragma once

#include "wire/errors.hpp"
#include "wire/replies.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mi::wire {

// Whether a method sends several replies: never, if the caller sets `more`, or only with `more`.
enum class Many : std::uint8_t { never, offered, demanded };

// Methods with `acts` need the permission to act; all users may call the others.
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
// `listed` selects the units.
struct List {
    using Reply = Units;
    static constexpr std::string_view
        method = "List",
        help = "The units that are not down, by name; with `all` every one, with `failed` "
               "those that failed or are waiting to be tried again, and no masked ones, with `timers` those "
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
// Whether `list` selects a unit in `state`.
[[nodiscard]] constexpr bool listed(const List& list, core::Phase state, bool masked, core::Health health) {
    if (list.failed)
        return core::has_failed(state, masked) || state == core::Phase::backoff || health == core::Health::unhealthy;
    return list.all || list.timers || state != core::Phase::down;
}
struct Status {
    using Reply = Units;
    static constexpr std::string_view method = "Status",
                                      help = "Everything about the named units, each once, in the order asked for.";
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

// The common fields of Start and similar methods: the units, and whether to wait for the result (default).
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
    static constexpr std::string_view method = "Start",
                                      help = "Starts units and what they need. One that its timer or a connection runs "
                                             "is armed and run at once; with `arm` it is only armed.";
    bool arm = false;
    static void fields(auto& self, auto&& visit) {
        Job::fields(self, visit);
        visit("arm", self.arm);
    }
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
// The common fields of Freeze and Thaw.
struct Freezing {
    using Reply = Nothing;
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    std::vector<std::string> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};
struct Freeze : Freezing {
    static constexpr std::string_view method = "Freeze",
                                      help = "Lets no process of running services run until Thaw, or until a stop. "
                                             "NotSupported where they have no cgroup.";
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
    static constexpr std::string_view
        method = "Wait",
        help = "Answers once the unit is in the state (`up` is `done` too, for a oneshot), or, "
               "with `health`, in that health. "
               "JobFailed where it has failed and will not get there by itself.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::never;
    std::string unit;
    core::Phase state = core::Phase::up;
    std::optional<core::Health> health; // instead of `state`
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("state", self.state);
        visit("health", self.health);
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
    std::optional<std::int64_t> at_realtime; // microseconds since 1970; follows steps of the clock
    std::optional<std::int64_t> in_seconds;  // seconds from now; not affected by steps of the clock
    std::optional<std::string> message, who; // the text for people, and its sender
    bool no_wall = false;                    // people are not told
    bool warn_only = false;                  // only warns people; the machine goes on
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
        help =
            "Stops everything in order, makes `root`, where a file system is mounted, the "
            "root directory, and executes `init` there (none named: the usual one). `soft`: `root` may be empty; then "
            "it is /run/nextroot where that is there, else the present root.";
    static constexpr bool acts = true;
    static constexpr Many many = Many::never;
    std::string root;
    std::optional<std::string> init;
    bool soft = false;
    static void fields(auto& self, auto&& visit) {
        visit("root", self.root);
        visit("init", self.init);
        visit("soft", self.soft);
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

// These two are of io.systemd.Metrics.
struct ListMetrics {
    using Reply = Metric;
    static constexpr std::string_view method = "List", interface = metrics_interface,
                                      help = "Every metric of the manager and its units, one in each reply.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::demanded;
    static void fields(auto&, auto&&) {}
};
struct DescribeMetrics {
    using Reply = MetricFamilyReply;
    static constexpr std::string_view method = "Describe", interface = metrics_interface,
                                      help = "The families that metrics are of, one in each reply.";
    static constexpr bool acts = false;
    static constexpr Many many = Many::demanded;
    static void fields(auto&, auto&&) {}
};
// Of our own interface, where a request says nothing else.
template <typename R>
constexpr std::string_view interface_of = interface_name;
template <typename R>
    requires requires { R::interface; }
constexpr std::string_view interface_of<R> = R::interface;

using Request = std::variant<Ping, GetOverview, List, Status, Explain, Tree, Start, Stop, Restart, TryRestart, Reload,
                             Signal, Reset, Wait, Target, Events, ReloadUnits, Shutdown, Probe, BootTimes, Freeze, Thaw,
                             Run, CancelShutdown, SwitchRoot, Reexec, ListMetrics, DescribeMetrics>;
using Reply = std::variant<Nothing, Units, Explanation, Branches, Progress, EventReply, UnitReply, Changes, Features,
                           Overview, Times, Schedule, Metric, MetricFamilyReply>;

} // namespace mi::wire
