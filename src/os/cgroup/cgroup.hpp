// One cgroup (v2) for each unit, below our own cgroup: its processes, its limits and its usage (cgroups(7), kernel
// Documentation/admin-guide/cgroup-v2.rst). The daemon decides which limits a unit gets.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "os/cgroup/cgroups.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// A directory in the cgroup file system with one subdirectory for each unit. A unit may have any name: names are
// escaped, so that none can leave the tree or collide with a kernel file.
class CgroupTree final : public Cgroups {
public:
    // The directory `name` in our own cgroup, made if needed. A fault if there is no cgroup v2 that we may write to, or
    // if our cgroup lies outside our cgroup namespace.
    static Result<CgroupTree> open(std::string_view name = "miniinit");
    // Uses `directory` itself as the tree; `prefix` is its path in /proc/PID/cgroup ("/a/b"), for unit_of.
    static Result<CgroupTree> adopt(const std::string& directory, std::string prefix);

    [[nodiscard]] State state() const override { return {path_, prefix_, enabled_, enabled_above_, in_leaf_}; }
    static Result<CgroupTree> go_on(State state);

    [[nodiscard]] const std::string& path() const override { return path_; }
    [[nodiscard]] unsigned generation() const override { return generation_; }

    Result<Fd> make(std::string_view unit, bool* fresh = nullptr) override;
    // True if the cgroup has a process; false also if there is no such cgroup.
    Result<bool> populated(std::string_view unit) const;
    Result<> kill(std::string_view unit) const override;
    bool end_nested(std::string_view unit, const std::string& name) const override;
    Result<std::vector<pid_t>> pids(std::string_view unit) const override;
    Result<> remove(std::string_view unit, bool* missing = nullptr) override;
    [[nodiscard]] std::optional<std::string> unit_of(pid_t pid) const override;
    Result<> remove_tree() override;

    // --- limits of units: cgroup_limits.cpp ---
    [[nodiscard]] std::string controllers() const override;
    // Enables a controller for units. Except in the real root, the kernel allows no process in a cgroup that enables
    // controllers for its children. So we and the rest of our container move to a leaf cgroup in the tree;
    // remove_tree() undoes this. A fault, with nothing changed, if there are processes beside us that we may not move.
    Result<> enable(std::string_view controller) override;
    // Writes one of the kernel's files in a cgroup that make() has opened.
    static Result<> set(const Fd& cgroup, const char* file, std::string_view value);
    // The same in the cgroup of a unit. Fault ENOENT: the unit has no cgroup.
    Result<> set(std::string_view unit, const char* file, std::string_view value) const;
    // Gives the directory, and those of its files that the kernel lists as safe, to a user, so that the user can make
    // nested cgroups in it. They can be nested only as deep as remove() reaches.
    static Result<> delegate(const Fd& cgroup, uid_t user, gid_t group);
    // Makes a cgroup inside one that make() has opened, beside the delegated ones. `name` has a dot, so that it differs
    // from every unit's directory.
    static Result<Fd> make_nested(const Fd& cgroup, const std::string& name);

    // --- usage of units: cgroup_usage.cpp ---
    [[nodiscard]] CgroupUsage usage(std::string_view unit, bool peak = true) const override;
    [[nodiscard]] std::optional<CgroupOom> oom(std::string_view unit) const override;
    [[nodiscard]] std::optional<CgroupOom> oom() const override;
    Result<> freeze(std::string_view unit, bool frozen) const override;

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
    static Result<> kill_one_by_one(const Fd& cgroup);

    std::string path_;   // in the file system
    std::string prefix_; // in the cgroup hierarchy, as /proc/PID/cgroup shows it, with a slash at the end
    Fd directory_;
    std::vector<std::string> enabled_;       // controllers that are enabled for units
    std::vector<std::string> enabled_above_; // those of them that we have enabled in the cgroup above
    bool in_leaf_ = false;
    unsigned generation_ = 0;
};

} // namespace mi::os
