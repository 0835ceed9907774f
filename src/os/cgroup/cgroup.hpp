// One cgroup (v2) per unit, below our own: who is in it, what it may use and has used. Which unit may use what is the
// daemon's business.
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

// A directory in the cgroup file system with one subdirectory per unit. Units are named freely: names are escaped, so
// that none can leave the tree or meet a file of the kernel's.
class CgroupTree {
public:
    // The directory `name` in the cgroup we are in, made if needed. A fault where there is no cgroup v2 we may write
    // to, or where ours lies outside our cgroup namespace.
    static Result<CgroupTree> open(std::string_view name = "miniinit");
    // `directory` itself as the tree; `prefix` is what /proc/PID/cgroup shows for it ("/a/b"), for unit_of.
    static Result<CgroupTree> adopt(const std::string& directory, std::string prefix);

    // All that another program needs to go on with it.
    struct State {
        std::string path, prefix;
        std::vector<std::string> enabled, enabled_above;
        bool in_leaf = false;
    };
    [[nodiscard]] State state() const { return {path_, prefix_, enabled_, enabled_above_, in_leaf_}; }
    static Result<CgroupTree> go_on(State state);

    [[nodiscard]] const std::string& path() const { return path_; }
    // How often the tree had to be made again.
    [[nodiscard]] unsigned generation() const { return generation_; }

    // The unit's cgroup, made if needed (`fresh`: it was), for Plan::cgroup. Not to be kept: close it after the start. Where
    // somebody has removed the whole tree, that is made again, too.
    Result<Fd> make(std::string_view unit, bool* fresh = nullptr);
    // Whether a process lives in it (false also when there is no such cgroup).
    Result<bool> populated(std::string_view unit) const;
    // SIGKILL to all in it, nested cgroups included; nobody can fork away from it. Also where it is frozen.
    Result<> kill(std::string_view unit) const;
    Result<std::vector<pid_t>> pids(std::string_view unit) const;
    // Removes it with its nested ones. EBUSY: processes are still in it. So after a process has ended, this alone
    // answers whether it was the last. A cgroup that is not there is no fault, but `missing`.
    Result<> remove(std::string_view unit, bool* missing = nullptr);
    // The unit in whose cgroup (or one nested in it) `pid` is, if any. Works for a zombie too.
    [[nodiscard]] std::optional<std::string> unit_of(pid_t pid) const;
    // Goes back to where we were (see enable), and removes the tree itself and all that is empty in it.
    Result<> remove_tree();

    // --- what units may use: cgroup_limits.cpp ---
    // The controllers that units could have, "cpu io memory pids".
    [[nodiscard]] std::string controllers() const;
    // Gives units a controller. The kernel wants no process in a cgroup that hands controllers down, unless it is the
    // real root: so we and the rest of our container go to a leaf of their own in the tree, undone by remove_tree(). A
    // fault, with nothing changed, where there are processes beside us that are not ours to move.
    Result<> enable(std::string_view controller);
    // Writes one of the kernel's files in a cgroup that make() has opened.
    static Result<> set(const Fd& cgroup, const char* file, std::string_view value);
    // The same in the cgroup of a unit, if there is one; ENOENT if not.
    Result<> set(std::string_view unit, const char* file, std::string_view value) const;
    // Gives the directory, and those of its files that the kernel names as safe, to a user, so that he can nest
    // cgroups in it; they can be nested only so deep as remove() reaches.
    static Result<> delegate(const Fd& cgroup, uid_t user, gid_t group);
    // A cgroup in one that make() has opened, beside what was delegated: `name` has a dot, as no unit's directory has.
    static Result<Fd> make_nested(const Fd& cgroup, const std::string& name);

    // --- what they do: cgroup_usage.cpp ---
    // Without `peak` one file less is read.
    [[nodiscard]] CgroupUsage usage(std::string_view unit, bool peak = true) const;
    // Nothing where the kernel does not count them. Of one unit, or of all together.
    [[nodiscard]] std::optional<CgroupOom> oom(std::string_view unit) const;
    [[nodiscard]] std::optional<CgroupOom> oom() const;
    // Whether processes in it get to run. Frozen, they can be killed, but get no other signal.
    Result<> freeze(std::string_view unit, bool frozen) const;

    [[nodiscard]] static std::string escape(std::string_view unit);
    [[nodiscard]] static std::optional<std::string> unescape(std::string_view directory);

private:
    CgroupTree(std::string path, std::string prefix, Fd directory)
        : path_(std::move(path)), prefix_(std::move(prefix)), directory_(std::move(directory)) {}
    [[nodiscard]] Result<Fd> parent() const;
    Result<> make_way(int parent);
    Result<> go_back();
    bool make_again();
    [[nodiscard]] Fd open_unit(std::string_view unit) const;

    std::string path_;   // where it is in the file system
    std::string prefix_; // where it is in the hierarchy, as /proc/PID/cgroup says it, with a slash at the end
    Fd directory_;
    std::vector<std::string> enabled_;       // controllers that units have
    std::vector<std::string> enabled_above_; // of those, what we switched on in the cgroup above
    bool in_leaf_ = false;
    unsigned generation_ = 0;
};

} // namespace mi::os
