// The cgroup tree, worked through its directories and control files (cgroups(7), cgroup v2).
#include "os/cgroup/cgroup.hpp"

#include "base/text.hpp"
#include "os/cgroup/cgroup_files.hpp"
#include "os/file/runtime.hpp"
#include "os/mount/mounts.hpp"

#include <cerrno>
#include <csignal>

namespace mi::os {

using namespace cgroup;

namespace {

void collect_pids(int directory, std::vector<pid_t>& pids, int depth = 0) {
    // A threaded cgroup refuses to list its processes (EOPNOTSUPP); the domain cgroup above it lists them.
    for (pid_t pid : processes_in(directory).value_or(std::vector<pid_t>{}))
        if (pid > 0)
            pids.push_back(pid);
    if (depth < depth_limit)
        each_nested(directory, [&](const std::string& name) {
            if (Fd nested = open_directory(directory, name))
                collect_pids(nested.get(), pids, depth + 1);
        });
}

void remove_nested(int directory, int depth = 0) {
    if (depth < depth_limit)
        each_nested(directory, [&](const std::string& name) {
            if (Fd nested = open_directory(directory, name))
                remove_nested(nested.get(), depth + 1);
            ::unlinkat(directory, name.c_str(), AT_REMOVEDIR);
        });
}

Result<bool> has_processes(int directory) {
    Result<std::string> events = read_at(directory, "cgroup.events");
    if (!events)
        return std::unexpected(events.error());
    return events->find("populated 1") != std::string::npos;
}

// The path of our own cgroup: the line of the unified hierarchy in /proc/self/cgroup.
Result<std::string> own_path(const std::string& file) {
    Result<std::string> text = read_file(file);
    if (!text)
        return std::unexpected(text.error());
    for (std::string_view line : split(*text, '\n'))
        if (line.starts_with("0::"))
            return std::string(line.substr(3));
    return fault(ENOENT, "find cgroup v2 in", file);
}

} // namespace

std::string CgroupTree::escape(std::string_view unit) {
    // Other characters are escaped. With a dot a name could be a kernel file ("memory.max") or leave the tree ("..");
    // the rest keeps the name readable.
    constexpr std::string_view kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-@:+";
    constexpr std::string_view digits = "0123456789abcdef";
    std::string safe;
    for (char letter : unit) {
        if (kept.find(letter) != std::string_view::npos) {
            safe += letter;
            continue;
        }
        auto byte = static_cast<unsigned char>(letter);
        safe += {'%', digits[byte >> 4], digits[byte & 15]};
    }
    return safe.empty() ? "%" : safe;
}

std::optional<std::string> CgroupTree::unescape(std::string_view directory) {
    if (directory == "%")
        return std::string();
    if (directory.find('.') != std::string_view::npos)
        return std::nullopt; // not a unit's cgroup: the leaf that we are in ourselves
    std::string unit;
    for (std::size_t i = 0; i < directory.size(); ++i) {
        if (directory[i] != '%') {
            unit += directory[i];
            continue;
        }
        std::optional<unsigned> code;
        if (i + 2 < directory.size())
            code = to_number<unsigned>(directory.substr(i + 1, 2), 16);
        if (!code)
            return std::nullopt;
        unit += static_cast<char>(*code);
        i += 2;
    }
    return unit;
}

Result<CgroupTree> CgroupTree::open(std::string_view name) {
    Result<std::string> own = own_path("/proc/self/cgroup");
    if (!own)
        return std::unexpected(own.error());
    if (own->starts_with("/..") || !own->starts_with('/'))
        return fault(0, "use cgroup outside our cgroup namespace:", *own);
    Result<std::vector<Mount>> mounts = read_mounts();
    if (!mounts)
        return std::unexpected(mounts.error());
    for (const Mount& mount : *mounts) {
        // The mount shows the part of the hierarchy below its root.
        std::string_view below = *own;
        if (mount.type != "cgroup2" || mount.root.starts_with("/.."))
            continue;
        if (mount.root != "/") {
            if (!below.starts_with(mount.root) || (below.size() > mount.root.size() && below[mount.root.size()] != '/'))
                continue;
            below.remove_prefix(mount.root.size());
        }
        std::string directory = mount.point + std::string(below == "/" ? "" : below) + '/' + std::string(name);
        if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
            return fault(errno, "make cgroup", directory);
        return adopt(directory, (*own == "/" ? "" : *own) + '/' + std::string(name));
    }
    return fault(ENOENT, "find where cgroup v2 is mounted");
}

Result<CgroupTree> CgroupTree::adopt(const std::string& directory, std::string prefix) {
    Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open cgroup", directory);
    if (::faccessat(fd.get(), "cgroup.procs", W_OK, AT_EACCESS) != 0)
        return fault(errno, "use cgroup", directory);
    if (!prefix.ends_with('/'))
        prefix += '/';
    return CgroupTree(directory, std::move(prefix), std::move(fd));
}

Result<CgroupTree> CgroupTree::go_on(State state) {
    Result<CgroupTree> tree = adopt(state.path, std::move(state.prefix));
    if (tree) {
        tree->enabled_ = std::move(state.enabled);
        tree->enabled_above_ = std::move(state.enabled_above);
        tree->in_leaf_ = state.in_leaf;
    }
    return tree;
}

Fd CgroupTree::open_unit(std::string_view unit) const { return open_directory(directory_.get(), escape(unit)); }

Result<Fd> CgroupTree::make(std::string_view unit, bool* fresh) {
    std::string name = escape(unit);
    bool made = ::mkdirat(directory_.get(), name.c_str(), 0755) == 0;
    if (!made && errno == ENOENT && make_again())
        made = ::mkdirat(directory_.get(), name.c_str(), 0755) == 0;
    if (!made && errno != EEXIST)
        return fault(errno, "make cgroup", path_ + '/' + name);
    if (fresh != nullptr)
        *fresh = made;
    Fd fd(::openat(directory_.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd)
        return fault(errno, "open cgroup", path_ + '/' + name);
    return fd;
}

// Another process has removed the empty tree. Make it again, with no controller enabled.
bool CgroupTree::make_again() {
    if (::mkdir(path_.c_str(), 0755) != 0 && errno != EEXIST)
        return false;
    Fd fresh(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fresh)
        return false;
    directory_ = std::move(fresh);
    enabled_.clear();
    ++generation_;
    return true;
}

Result<bool> CgroupTree::populated(std::string_view unit) const {
    Fd fd = open_unit(unit);
    if (!fd)
        return errno == ENOENT ? Result<bool>(false) : fault(errno, "open cgroup of", std::string(unit));
    return has_processes(fd.get());
}

Result<std::vector<pid_t>> CgroupTree::pids(std::string_view unit) const {
    std::vector<pid_t> found;
    Fd fd = open_unit(unit);
    if (fd)
        collect_pids(fd.get(), found);
    else if (errno != ENOENT)
        return fault(errno, "open cgroup of", std::string(unit));
    return found;
}

Result<> CgroupTree::kill(std::string_view unit) const {
    Fd fd = open_unit(unit);
    if (!fd)
        return errno == ENOENT ? Result<>() : fault(errno, "open cgroup of", std::string(unit));
    if (write_at(fd.get(), "cgroup.kill", "1"))
        return {};
    return kill_one_by_one(fd); // before Linux 5.14
}

bool CgroupTree::end_nested(std::string_view unit, const std::string& name) const {
    const Fd above = open_unit(unit);
    const Fd fd = above ? open_directory(above.get(), name) : Fd();
    // Not with cgroup.kill: once it was written, some kernels kill every process that is born into that cgroup
    // (CLONE_INTO_CGROUP).
    return fd && kill_one_by_one(fd).has_value();
}

// Kills the processes one by one until a round finds no new one. While frozen they cannot fork.
Result<> CgroupTree::kill_one_by_one(const Fd& fd) {
    bool frozen = write_at(fd.get(), "cgroup.freeze", "1").has_value();
    std::size_t before = 0;
    for (int round = 0; round < 20; ++round) {
        std::vector<pid_t> found;
        collect_pids(fd.get(), found);
        for (pid_t pid : found)
            ::kill(pid, SIGKILL);
        if (found.empty() || (frozen && found.size() == before))
            break;
        before = found.size();
    }
    if (frozen)
        return write_at(fd.get(), "cgroup.freeze", "0");
    return {};
}

Result<> CgroupTree::remove(std::string_view unit, bool* missing) {
    std::string name = escape(unit);
    if (missing != nullptr)
        *missing = false;
    if (::unlinkat(directory_.get(), name.c_str(), AT_REMOVEDIR) == 0)
        return {};
    if (errno == ENOENT) {
        if (missing != nullptr)
            *missing = true;
        return {};
    }
    int code = errno;
    Fd fd = open_directory(directory_.get(), name);
    Result<bool> busy = fd && code == EBUSY ? has_processes(fd.get()) : Result<bool>(true);
    if (busy && !*busy) {
        remove_nested(fd.get());
        if (::unlinkat(directory_.get(), name.c_str(), AT_REMOVEDIR) == 0)
            return {};
        code = errno == EBUSY ? ENOTEMPTY : errno; // empty nested cgroups do not count as processes
    }
    return fault(code, "remove cgroup", path_ + '/' + name);
}

std::optional<std::string> CgroupTree::unit_of(pid_t pid) const {
    Result<std::string> own = own_path("/proc/" + std::to_string(pid) + "/cgroup");
    if (!own || !own->starts_with(prefix_))
        return std::nullopt;
    std::string_view below = std::string_view(*own).substr(prefix_.size());
    constexpr std::string_view gone = " (deleted)";
    if (below.ends_with(gone))
        below.remove_suffix(gone.size());
    return unescape(below.substr(0, below.find('/')));
}

Result<> CgroupTree::remove_tree() {
    Result<> back = go_back();
    remove_nested(directory_.get());
    if (::rmdir(path_.c_str()) != 0 && errno != ENOENT)
        return back ? fault(errno, "remove cgroup", path_) : back;
    return {};
}

} // namespace mi::os
