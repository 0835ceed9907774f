// What `[cgroup]` gives and takes: the cgroup that a unit's processes are born in, with its limits written before; what they
// use; and that the kernel has killed some for want of memory. Who is in a cgroup, and ending them, is processes.hpp's.
#pragma once

#include "base/fd.hpp"
#include "base/time.hpp"
#include "core/unit.hpp"
#include "os/cgroup/cgroup.hpp"
#include "os/file/inotify.hpp"
#include "os/spawn/plan.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mi::daemon {

// The cgroup of a unit's other processes in one that is delegated.
inline constexpr const char* beside_delegated = "control.leaf";

// One limit, as the kernel's files have it.
struct LimitFile {
    std::string_view key; // "memory-max"
    const char* controller;
    const char* file;
    std::string value;
    bool operator==(const LimitFile&) const = default;
};
// The limits that a unit names, in a fixed order.
[[nodiscard]] std::vector<LimitFile> limit_files(const core::Cgroup& cgroup);

class Resources {
public:
    // `tree`: none where no cgroup v2 can be used; then `lack` says why.
    Resources(os::Cgroups* tree, std::string lack);

    // Where the next process of a unit is to be born.
    struct Berth {
        Fd cgroup;                           // none: it is to be found by its session
        bool apart = false;                  // what holds the cgroup up must not hold us up: see Plan::apart
        std::vector<std::string> complaints; // what is to be said in the unit's log: once for each unit and key
    };
    // `first`: no process of the unit's run is there yet. `main`: the main process, not a command around it. The plan tells
    // the user whose a delegated cgroup is to be.
    [[nodiscard]] Berth berth(const core::Unit& unit, bool first, bool main, const os::Plan& plan);
    // The units were read again: changed limits are put in force on a running unit where that is sound. A memory limit
    // below what is in use is not, as the kernel would have us wait until it has cleared that much: it comes with the next
    // start. What is to be said in the unit's log.
    [[nodiscard]] std::vector<std::string> adapt(const core::Unit& unit);

    // The unit runs, and was started by the program before this one: its limits are in force.
    void go_on(const core::Unit& unit);

    // For the init of a machine, where that costs no other program anything: counts memory and tasks of every unit from now on,
    // and has the kernel share processors among units rather than among processes. So a unit with a thousand processes
    // gets no more than one with a single process, and we, outside of all of them, are not kept waiting by it.
    void share_and_count();
    [[nodiscard]] os::CgroupUsage usage(const std::string& unit, bool peak = true) const;

    // For want of memory a process of the unit has been killed since this was last asked: the words for it. `ended`: a
    // process of it has just ended by SIGKILL, so that a kill already told of a moment ago is meant too.
    [[nodiscard]] std::optional<std::string> killed_for_memory(const core::Unit& unit, Instant now, bool ended);
    // Readable when any unit's events of memory may have changed; -1: nothing tells (yet).
    [[nodiscard]] int memory_events() const { return events_ ? events_->fd() : -1; }
    // Takes what is readable. Whether a process anywhere in the tree was killed for want of memory.
    [[nodiscard]] bool memory_kill_happened();

    // For `minictl probe`: why some run had to do without a cgroup though there is a tree, or empty.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    [[nodiscard]] const os::Cgroups* tree() const { return tree_; }

private:
    Result<> need(std::string_view controller);
    void complain(const core::Unit& unit, std::string_view key, const std::string& why,
                  std::vector<std::string>& complaints);
    void set_limits(const core::Unit& unit, const Fd& cgroup, std::vector<std::string>& complaints);
    void delegate(const core::Unit& unit, const Fd& cgroup, const os::Plan& plan, std::vector<std::string>& complaints);
    void listen();

    os::Cgroups* tree_;
    std::string lack_;
    std::string trouble_;
    std::optional<os::Inotify> events_;                      // inotify on the tree's memory.events
    unsigned watched_generation_ = 0;                        // of the tree, by that
    bool shared_ = false;                                    // share_and_count was asked for
    std::uint64_t tree_kills_ = 0;                           // when it was last looked at
    std::map<std::string, std::vector<LimitFile>> in_force_; // by unit, of those that have limits
    std::set<std::string> told_;                             // "UNIT KEY"
    struct Kills {
        std::uint64_t seen = 0;
        Instant when{};
    };
    std::map<std::string, Kills> kills_; // by unit, of those that have had any
};

} // namespace mi::daemon
