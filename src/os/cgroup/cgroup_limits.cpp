// The limits of units: enables controllers, writes limit files, and delegates cgroups.
#include "os/cgroup/cgroup.hpp"

#include "base/text.hpp"
#include "os/cgroup/cgroup_files.hpp"
#include "os/file/runtime.hpp"
#include "os/process/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mi::os {

using namespace cgroup;

namespace {

// The name has a dot, because the directory of a unit has none.
constexpr const char* leaf = "init.leaf";
constexpr int most_rounds = 100; // in which we move processes that were forked meanwhile

bool has_word(std::string_view text, std::string_view word) {
    std::vector<std::string_view> words = split(trim(text), ' ');
    return std::find(words.begin(), words.end(), word) != words.end();
}

// Whether a process in our own cgroup may be moved with us: in a container every process, elsewhere only our children.
bool may_move(pid_t pid) {
    if (pid <= 0)
        return false; // a process of a PID namespace above ours
    if (::getpid() == 1 || pid == ::getpid())
        return true;
    Result<ProcessStat> stat = process_stat(pid);
    return !stat || stat->parent == ::getpid(); // a process that has ended does not matter
}

// Moves all processes from `from` to `to`. We move first, so that our new children start in `to`.
Result<> move_all(int from, int to) {
    if (Result<> moved = write_at(to, "cgroup.procs", "0"); !moved)
        return moved;
    for (int round = 0; round < most_rounds; ++round) {
        Result<std::vector<pid_t>> pids = processes_in(from);
        if (!pids)
            return std::unexpected(pids.error());
        if (pids->empty())
            return {};
        for (pid_t pid : *pids)
            if (Result<> moved = write_at(to, "cgroup.procs", std::to_string(pid));
                !moved && moved.error().code != ESRCH)
                return moved;
    }
    return fault(EBUSY, "move all processes of the cgroup");
}

Result<> switch_controller(int directory, char sign, std::string_view controller) {
    return write_at(directory, "cgroup.subtree_control", sign + std::string(controller));
}

} // namespace

Result<Fd> CgroupTree::parent() const {
    Fd fd(::openat(directory_.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open the cgroup above", path_);
    return fd;
}

std::string CgroupTree::controllers() const {
    Result<Fd> above = parent();
    return above ? std::string(trim(read_at(above->get(), "cgroup.controllers").value_or(""))) : "";
}

// Moves every process of the cgroup above to the leaf.
Result<> CgroupTree::make_way(int parent) {
    if (!exists_at(parent, "cgroup.events"))
        return {}; // the real root, which may have both processes and enabled controllers
    Result<std::vector<pid_t>> pids = processes_in(parent);
    if (!pids)
        return std::unexpected(pids.error());
    if (pids->empty())
        return {};
    if (!std::all_of(pids->begin(), pids->end(), may_move))
        return fault(EBUSY, "hand controllers down: in our cgroup are processes that are not ours");
    if (::mkdirat(directory_.get(), leaf, 0755) != 0 && errno != EEXIST)
        return fault(errno, "make cgroup", path_ + '/' + leaf);
    Fd to = open_directory(directory_.get(), leaf);
    if (!to)
        return fault(errno, "open cgroup", path_ + '/' + leaf);
    in_leaf_ = true;
    Result<> moved = move_all(parent, to.get());
    if (!moved)
        (void)go_back(); // report the first fault
    return moved;
}

// Undoes make_way and enable. Disables the controllers first: a cgroup that enables controllers accepts no processes.
Result<> CgroupTree::go_back() {
    if (enabled_.empty() && !in_leaf_)
        return {};
    Result<Fd> above = parent();
    if (!above)
        return std::unexpected(above.error());
    Result<> undone;
    for (const std::string& controller : enabled_above_)
        for (int directory : {directory_.get(), above->get()})
            if (Result<> off = switch_controller(directory, '-', controller); !off)
                undone = off;
    enabled_.clear();
    enabled_above_.clear();
    Fd from = open_directory(directory_.get(), leaf);
    if (!in_leaf_ || !from)
        return undone;
    if (Result<> moved = move_all(from.get(), above->get()); !moved)
        return moved;
    in_leaf_ = false;
    if (::unlinkat(directory_.get(), leaf, AT_REMOVEDIR) != 0)
        return fault(errno, "remove cgroup", path_ + '/' + leaf);
    return undone;
}

Result<> CgroupTree::enable(std::string_view controller) {
    if (std::find(enabled_.begin(), enabled_.end(), controller) != enabled_.end())
        return {};
    Result<Fd> above = parent();
    if (!above)
        return std::unexpected(above.error());
    Result<std::string> there = read_at(above->get(), "cgroup.controllers");
    if (!there)
        return std::unexpected(there.error());
    if (!has_word(*there, controller))
        return fault(0, "there is no controller for", std::string(controller));
    bool handed_down = has_word(read_at(above->get(), "cgroup.subtree_control").value_or(""), controller);
    if (!handed_down) {
        if (Result<> way = make_way(above->get()); !way)
            return way;
        if (Result<> on = switch_controller(above->get(), '+', controller); !on) {
            if (enabled_.empty())
                (void)go_back(); // the move was useless
            return on;
        }
        enabled_above_.emplace_back(controller);
    }
    if (Result<> on = switch_controller(directory_.get(), '+', controller); !on) {
        if (!handed_down) {
            (void)switch_controller(above->get(), '-', controller);
            enabled_above_.pop_back();
        }
        return on;
    }
    enabled_.emplace_back(controller);
    return {};
}

Result<> CgroupTree::set(const Fd& cgroup, const char* file, std::string_view value) {
    return write_at(cgroup.get(), file, value);
}

Result<> CgroupTree::set(std::string_view unit, const char* file, std::string_view value) const {
    Fd fd = open_unit(unit);
    return fd ? set(fd, file, value) : fault(errno, "open cgroup of", std::string(unit));
}

Result<> CgroupTree::delegate(const Fd& cgroup, uid_t user, gid_t group) {
    // remove() must be able to reach every nested cgroup: otherwise a user could keep one for ever.
    if (Result<> bounded = write_at(cgroup.get(), "cgroup.max.depth", std::to_string(depth_limit)); !bounded)
        return bounded;
    if (::fchownat(cgroup.get(), "", user, group, AT_EMPTY_PATH) != 0)
        return fault(errno, "chown the directory");
    // The kernel lists the files that can be delegated without giving away the limits (before Linux 4.15: these three).
    std::string files =
        read_file("/sys/kernel/cgroup/delegate").value_or("cgroup.procs\ncgroup.threads\ncgroup.subtree_control");
    for (std::string_view line : split(files, '\n')) {
        std::string file(trim(line));
        if (file.empty() || file.find('/') != std::string::npos)
            continue;
        if (::fchownat(cgroup.get(), file.c_str(), user, group, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT)
            return fault(errno, "chown", file);
    }
    return {};
}

Result<Fd> CgroupTree::make_nested(const Fd& cgroup, const std::string& name) {
    if (::mkdirat(cgroup.get(), name.c_str(), 0755) != 0 && errno != EEXIST)
        return fault(errno, "make cgroup", name);
    Fd fd(::openat(cgroup.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open cgroup", name);
    return fd;
}

} // namespace mi::os
