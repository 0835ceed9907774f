// One cgroup (v2) per unit, below our own: who is in it, what it may use and has used. Which unit may use what is the
// daemon's business.
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

// A directory in the cgroup file system with one subdirectory per unit. Units are named freely: names are escaped, so
// that none can leave the tree or meet a file of the kernel's.
class CgroupTree final : public Cgroups {
public:
    // The directory `name` in the cgroup we are in, made if needed. A fault where there is no cgroup v2 we may write
    // to, or where ours lies outside our cgroup namespace.
    static Result<CgroupTree> open(std::string_view name = "miniinit");
    // `directory` itself as the tree; `prefix` is what /proc/PID/cgroup shows for it ("/a/b"), for unit_of.
    static Result<CgroupTree> adopt(const std::string& directory, std::string prefix);

    [[nodiscard]] State state() const override { return {path_, prefix_, enabled_, enabled_above_, in_leaf_}; }
    static Result<CgroupTree> go_on(State state);

    [[nodiscard]] const std::string& path() const override { return path_; }
    [[nodiscard]] unsigned generation() const override { return generation_; }

    Result<Fd> make(std::string_view unit, bool* fresh = nullptr) override;
    // Whether a process lives in it (false also when there is no such cgroup).
    Result<bool> populated(std::string_view unit) const;
    Result<> kill(std::string_view unit) const override;
    Result<std::vector<pid_t>> pids(std::string_view unit) const override;
    Result<> remove(std::string_view unit, bool* missing = nullptr) override;
    [[nodiscard]] std::optional<std::string> unit_of(pid_t pid) const override;
    Result<> remove_tree() override;

    // --- what units may use: cgroup_limits.cpp ---
    [[nodiscard]] std::string controllers() const override;
    // Gives units a controller. The kernel wants no process in a cgroup that hands controllers down, unless it is the
    // real root: so we and the rest of our container go to a leaf of their own in the tree, undone by remove_tree(). A
    // fault, with nothing changed, where there are processes beside us that are not ours to move.
    Result<> enable(std::string_view controller) override;
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

    std::string path_;   // where it is in the file system
    std::string prefix_; // where it is in the hierarchy, as /proc/PID/cgroup says it, with a slash at the end
    Fd directory_;
    std::vector<std::string> enabled_;       // controllers that units have
    std::vector<std::string> enabled_above_; // of those, what we switched on in the cgroup above
    bool in_leaf_ = false;
    unsigned generation_ = 0;
};

} // namespace mi::os
