// The interface through which PID 1 uses one cgroup for each unit. CgroupTree (cgroup.hpp) implements it on Linux;
// tests have a simulated implementation.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// The usage of a cgroup with its nested ones. A value that the kernel does not report (no controller, an old kernel) is
// left out.
struct CgroupUsage {
    std::optional<std::uint64_t> memory, memory_peak; // bytes
    std::optional<std::uint64_t> cpu_usec;
    std::optional<std::uint64_t> tasks; // processes and their threads
};

// Out-of-memory events of a cgroup.
struct CgroupOom {
    std::uint64_t kills = 0;   // processes in it that the kernel killed
    std::uint64_t reached = 0; // how often the cgroup reached its own limit, and not the limit of a cgroup above it
};

class Cgroups {
public:
    virtual ~Cgroups() = default;

    // Everything that the next program image needs to continue with the same cgroups.
    struct State {
        std::string path, prefix;
        std::vector<std::string> enabled, enabled_above;
        bool in_leaf = false;
    };
    [[nodiscard]] virtual State state() const = 0;
    // The path of the tree in the file system.
    [[nodiscard]] virtual const std::string& path() const = 0;
    // How often the tree had to be made again.
    [[nodiscard]] virtual unsigned generation() const = 0;

    // The cgroup of the unit, made if needed (then `fresh` becomes true), for Plan::cgroup. Close it after the start;
    // do not keep it. If another process has removed the whole tree, the tree is made again, too.
    [[nodiscard]] virtual Result<Fd> make(std::string_view unit, bool* fresh = nullptr) = 0;
    // Sends SIGKILL to all processes in the cgroup and its nested ones, also if it is frozen. No process can escape by
    // forking.
    virtual Result<> kill(std::string_view unit) const = 0;
    // The same to what is in a cgroup nested in it (see CgroupTree::make_nested). False: there is none.
    virtual bool end_nested(std::string_view, const std::string&) const { return false; }
    [[nodiscard]] virtual Result<std::vector<pid_t>> pids(std::string_view unit) const = 0;
    // Removes the cgroup with its nested ones. Fault EBUSY: it still has processes; so after an exit this call alone
    // tells whether that process was the last. A missing cgroup is no fault: `missing` becomes true.
    virtual Result<> remove(std::string_view unit, bool* missing = nullptr) = 0;
    // The unit whose cgroup (or a nested one of it) contains `pid`, if any. Works for a zombie too.
    [[nodiscard]] virtual std::optional<std::string> unit_of(pid_t pid) const = 0;
    // Moves us back to the cgroup we came from (see enable), and removes the tree and all empty cgroups in it.
    virtual Result<> remove_tree() = 0;

    // The controllers that can be enabled for units: "cpu io memory pids".
    [[nodiscard]] virtual std::string controllers() const = 0;
    // Enables a controller for units. A fault, with nothing changed, if there are processes beside us that we may not
    // move.
    virtual Result<> enable(std::string_view controller) = 0;

    // Without `peak` one file less is read.
    [[nodiscard]] virtual CgroupUsage usage(std::string_view unit, bool peak = true) const = 0;
    // The counts of one unit, or of all units together; nullopt if the kernel does not count these events.
    [[nodiscard]] virtual std::optional<CgroupOom> oom(std::string_view unit) const = 0;
    [[nodiscard]] virtual std::optional<CgroupOom> oom() const = 0;
    // Freezes or thaws the processes. A frozen process can be killed, but receives no other signal.
    virtual Result<> freeze(std::string_view unit, bool frozen) const = 0;
};

} // namespace mi::os
