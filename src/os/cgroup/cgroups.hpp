// A cgroup for each unit, as PID 1 works with them. The one that Linux has is CgroupTree (cgroup.hpp); an interface, so that a
// test can have simulated ones.
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

// What a cgroup and those nested in it use; what the kernel does not tell (no controller, an old kernel) is left out.
struct CgroupUsage {
    std::optional<std::uint64_t> memory, memory_peak; // bytes
    std::optional<std::uint64_t> cpu_usec;
    std::optional<std::uint64_t> tasks; // processes and their threads
};

// What a cgroup has gone through for want of memory.
struct CgroupOom {
    std::uint64_t kills = 0;   // processes in it that the kernel killed
    std::uint64_t reached = 0; // how often that was because of a limit of its own, not of somebody above it
};

class Cgroups {
public:
    virtual ~Cgroups() = default;

    // All that another program needs to go on with them.
    struct State {
        std::string path, prefix;
        std::vector<std::string> enabled, enabled_above;
        bool in_leaf = false;
    };
    [[nodiscard]] virtual State state() const = 0;
    // Where they are in the file system.
    [[nodiscard]] virtual const std::string& path() const = 0;
    // How often the tree had to be made again.
    [[nodiscard]] virtual unsigned generation() const = 0;

    // The unit's cgroup, made if needed (`fresh`: it was), for Plan::cgroup. Not to be kept: close it after the start. Where
    // somebody has removed the whole tree, that is made again, too.
    [[nodiscard]] virtual Result<Fd> make(std::string_view unit, bool* fresh = nullptr) = 0;
    // SIGKILL to all in it, nested cgroups included; nobody can fork away from it. Also where it is frozen.
    virtual Result<> kill(std::string_view unit) const = 0;
    [[nodiscard]] virtual Result<std::vector<pid_t>> pids(std::string_view unit) const = 0;
    // Removes it with its nested ones. EBUSY: processes are still in it. So after a process has ended, this alone
    // answers whether it was the last. A cgroup that is not there is no fault, but `missing`.
    virtual Result<> remove(std::string_view unit, bool* missing = nullptr) = 0;
    // The unit in whose cgroup (or one nested in it) `pid` is, if any. Works for a zombie too.
    [[nodiscard]] virtual std::optional<std::string> unit_of(pid_t pid) const = 0;
    // Goes back to where we were (see enable), and removes the tree itself and all that is empty in it.
    virtual Result<> remove_tree() = 0;

    // The controllers that units could have, "cpu io memory pids".
    [[nodiscard]] virtual std::string controllers() const = 0;
    // Gives units a controller. A fault, with nothing changed, where there are processes beside us that are not ours to move.
    virtual Result<> enable(std::string_view controller) = 0;

    // Without `peak` one file less is read.
    [[nodiscard]] virtual CgroupUsage usage(std::string_view unit, bool peak = true) const = 0;
    // Nothing where the kernel does not count them. Of one unit, or of all together.
    [[nodiscard]] virtual std::optional<CgroupOom> oom(std::string_view unit) const = 0;
    [[nodiscard]] virtual std::optional<CgroupOom> oom() const = 0;
    // Whether processes in it get to run. Frozen, they can be killed, but get no other signal.
    virtual Result<> freeze(std::string_view unit, bool frozen) const = 0;
};

} // namespace mi::os
