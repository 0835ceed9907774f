// Which processes belong to which unit: those we started, by PID; the rest of a service's by cgroup where there are
// cgroups, else by session, parent and INVOCATION_ID.
#pragma once

#include "base/time.hpp"
#include "core/event.hpp"
#include "core/graph.hpp"
#include "daemon/kernel.hpp"
#include "state/snapshot.hpp"
#include "wire/log_protocol.hpp"

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace mi::os {
struct Exit;
}

namespace mi::daemon {

// How a process that has ended did so, as units have it.
[[nodiscard]] core::ExitStatus exit_status(const os::Exit& exit);

class Processes {
public:
    struct Known {
        core::UnitId unit = core::no_unit;
        core::Role role = core::Role::none;
        std::array<wire::logs::StreamId, 2> streams{}; // its log pipes; 0: none
    };

    // `tree`: null where no cgroup v2 can be used.
    Processes(Kernel& kernel, std::unique_ptr<os::Cgroups> tree) : kernel_(kernel), tree_(std::move(tree)) {}
    [[nodiscard]] os::Cgroups* cgroups() const { return tree_.get(); }

    // A process we started, or a main process we were shown.
    void add(pid_t pid, const Known& known);
    // A main process we did not start ourselves: it says so, or its PID file does.
    void adopt_main(pid_t pid, core::UnitId unit);
    [[nodiscard]] const Known* find(pid_t pid) const;
    // Something else that is kept of it has changed.
    void mark(pid_t pid) { moved_.push_back(pid); }
    void remove(pid_t pid);
    // A child of ours that is no unit's: the collector. 0: there is none.
    void set_own(pid_t pid) { own_ = pid; }
    // A new run of the unit: what belongs to it from now on carries this id. It is held together by its cgroup, where
    // there is a tree, until use_session() says that a process of it could not be put there.
    void begin_run(core::UnitId unit, std::string invocation);
    [[nodiscard]] const std::string& invocation(core::UnitId unit) const;
    void use_session(core::UnitId unit);
    [[nodiscard]] bool uses_session(core::UnitId unit) const;
    // The run is over and nothing of it is left.
    void end_run(core::UnitId unit, const std::string& name);

    // The processes of each unit that is held together by its session, in one look for all of them. A fault: none can be told.
    [[nodiscard]] Result<std::vector<std::pair<core::UnitId, std::vector<pid_t>>>> members_by_session() const;
    // Those of one unit, called `name`, however it is held together. Empty also where none can be told.
    [[nodiscard]] std::vector<pid_t> members(core::UnitId unit, const std::string& name) const;
    // Whether a process belongs to the unit called `name`. `pid` may be a zombie; of one that is collected already it cannot
    // be told any more.
    [[nodiscard]] bool belongs(pid_t pid, core::UnitId unit, const std::string& name) const;
    // Whether it is a process of any unit, as far as can be told without cgroups.
    [[nodiscard]] bool is_anyones(pid_t pid) const;

    // Sends a signal to a process of the unit, or to everything of it; SIGCONT follows a signal that asks to end, unless
    // the unit is frozen.
    void signal(core::UnitId unit, const std::string& name, core::Effect::Scope scope, int number, pid_t main,
                pid_t hook);
    // None of its processes gets to run until thaw(). Needs cgroup v2: ENOTSUP where the unit has no cgroup.
    Result<> freeze(core::UnitId unit, const std::string& name);
    Result<> thaw(core::UnitId unit, const std::string& name);
    [[nodiscard]] bool frozen(core::UnitId unit) const;
    // Begins to end whatever is left of the unit. Answered by swept(), perhaps at once.
    void sweep(core::UnitId unit, const std::string& name, core::Effect::Scope scope, int number);
    // The units of which nothing is left now, of those being swept. Cheap where no child of ours has ended and nothing
    // new is being swept; otherwise a unit costs a system call or two with cgroups, and without them one look at our
    // children is shared by all.
    [[nodiscard]] std::vector<core::UnitId> swept();
    // Whether a process that we know is the unit's.
    [[nodiscard]] bool has_members(core::UnitId unit) const { return knows_process_of(unit); }
    [[nodiscard]] bool sweeping() const { return !sweeps_.empty(); }
    // A child that we did not start has ended.
    void note_orphan() { ++orphans_; }
    // A child has ended: the next swept() has to look.
    void note_end() { something_ended_ = true; }
    // Whether the next swept() has something to look at.
    [[nodiscard]] bool has_news() const { return something_ended_ && !sweeps_.empty(); }

    // For the snapshot: what holds a unit's run together, and a run and its processes as they were.
    void tell(core::UnitId unit, state::UnitImage& image) const;
    void go_on(core::UnitId unit, const std::string& name, const state::UnitImage& image);
    void adopt(pid_t pid, const Known& known) {
        known_[pid] = known;
        ++runs_[known.unit].known;
    }
    [[nodiscard]] const std::unordered_map<pid_t, Known>& known() const { return known_; }
    // Which processes came or went since this was last asked.
    [[nodiscard]] std::vector<pid_t>& moved() { return moved_; }

    // The unit is gone: a process of it belongs to no unit.
    void forget(core::UnitId unit);

private:
    struct Run {
        std::string invocation;
        std::vector<pid_t> sessions; // those of them that `session_owners_` still gives it
        unsigned known = 0;          // processes in `known_`
        bool cgroup_gone = false;    // a sweep has removed it already
        bool by_session = false;     // not all of it is in its cgroup, or there is none
        bool frozen = false;
    };
    struct Sweep {
        std::string name;
        core::Effect::Scope scope;
        int number;
        bool signalled = false;
        std::uint64_t orphans = 0; // reaped until the last look
        unsigned empty_looks = 0;
        std::vector<pid_t> told{}; // without cgroups: who has had the signal
    };
    [[nodiscard]] bool knows_process_of(core::UnitId unit) const;
    [[nodiscard]] os::Membership membership(core::UnitId unit) const;
    void own_session(core::UnitId unit, pid_t session);
    [[nodiscard]] bool cgroup_swept(core::UnitId unit, Sweep& sweep);
    void tell_members(Sweep& sweep, const std::vector<pid_t>& members);
    void sweep_by_session(const std::vector<core::UnitId>& units, std::vector<core::UnitId>& done);

    Kernel& kernel_;
    std::unique_ptr<os::Cgroups> tree_;
    std::unordered_map<pid_t, Known> known_;
    std::vector<pid_t> moved_;
    std::unordered_map<core::UnitId, Run> runs_;
    std::unordered_map<pid_t, core::UnitId> session_owners_; // a number is its latest user's
    std::map<core::UnitId, Sweep> sweeps_;
    pid_t own_ = 0;
    std::uint64_t orphans_ = 0;
    bool something_ended_ = false;
};

} // namespace mi::daemon
