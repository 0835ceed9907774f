// One cgroup (v2) per unit, below our own. What a unit is allowed to use is not set here.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// A directory in the cgroup file system with one subdirectory per unit. Units are named freely: names are escaped, so
// that none can leave the tree or meet a file of the kernel's.
class CgroupTree {
public:
    // The directory `name` in the cgroup we are in, made if needed. A fault where there is no cgroup v2 we may write
    // to, or where ours lies outside our cgroup namespace.
    static Result<CgroupTree> open(std::string_view name = "miniinit");
    // `directory` itself as the tree; `prefix` is what /proc/PID/cgroup shows for it ("/a/b"), for unit_of.
    static Result<CgroupTree> adopt(const std::string& directory, std::string prefix);

    [[nodiscard]] const std::string& path() const { return path_; }

    // The unit's cgroup, made if needed, for Plan::cgroup. Not to be kept: close it after the start.
    Result<Fd> make(std::string_view unit);
    // Whether a process lives in it (false also when there is no such cgroup).
    Result<bool> populated(std::string_view unit) const;
    // SIGKILL to all in it, nested cgroups included; nobody can fork away from it.
    Result<> kill(std::string_view unit) const;
    // `signal` to all in it, nested cgroups included, but not to `except`.
    Result<> signal_all(std::string_view unit, int signal, pid_t except = 0) const;
    Result<std::vector<pid_t>> pids(std::string_view unit) const;
    // Removes it with its nested ones. EBUSY: processes are still in it. So after a process has ended, this alone
    // answers whether it was the last. A cgroup that is not there is no fault.
    Result<> remove(std::string_view unit);
    // The unit in whose cgroup (or one nested in it) `pid` is, if any. Works for a zombie too.
    [[nodiscard]] std::optional<std::string> unit_of(pid_t pid) const;
    // Removes the tree itself (and all that is empty in it).
    Result<> remove_tree();

    [[nodiscard]] static std::string escape(std::string_view unit);
    [[nodiscard]] static std::optional<std::string> unescape(std::string_view directory);

private:
    CgroupTree(std::string path, std::string prefix, Fd directory)
        : path_(std::move(path)), prefix_(std::move(prefix)), directory_(std::move(directory)) {}
    std::string path_;   // where it is in the file system
    std::string prefix_; // where it is in the hierarchy, as /proc/PID/cgroup says it, with a slash at the end
    Fd directory_;
};

} // namespace mi::os
