// All actions of a child before it executes its program, as data: resolved, checked and allocated beforehand. The
// engine decides which process to start and when; spawn.hpp starts it.
#pragma once

#include "os/spawn/confine.hpp"
#include "os/spawn/plan_enums.hpp"
#include "os/spawn/step.hpp"

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// The words for a step in a message: "setgroups", "chdir", "exec".
[[nodiscard]] std::string_view name(Step step);

// Strings in the form that execve(2) requires, stored in one block.
class StringList {
public:
    StringList() = default;
    StringList(std::initializer_list<std::string_view> items) {
        for (std::string_view item : items)
            add(item);
    }
    void add(std::string_view item) {
        starts_.push_back(bytes_.size());
        bytes_.append(item.substr(0, item.find('\0'))).push_back('\0');
    }
    // Adds "KEY=VALUE".
    void add(std::string_view key, std::string_view value) {
        starts_.push_back(bytes_.size());
        bytes_.append(key).append("=").append(value.substr(0, value.find('\0'))).push_back('\0');
    }
    // Removes "KEY=VALUE"; its bytes stay in the block, unused.
    void remove(std::string_view key) {
        if (const std::uint32_t at = index_of(key); at < starts_.size())
            starts_.erase(starts_.begin() + at);
    }
    // Like add, but replaces an earlier value of that key.
    void set(std::string_view key, std::string_view value) {
        remove(key);
        add(key, value);
    }
    // Like set, with the pid of the process that gets the list as value (WATCHDOG_PID, LISTEN_PID). The pid is not
    // known yet: the child writes it.
    void set_own_pid(std::string_view key) {
        set(key, std::string_view("0000000000", own_pid_digits));
        own_pids_.push_back(starts_.back());
    }
    // The indices of these variables.
    void find_own_pids(std::vector<std::uint32_t>& indices) const {
        for (std::size_t start : own_pids_)
            for (std::size_t i = 0; i < starts_.size(); ++i)
                if (starts_[i] == start)
                    indices.push_back(static_cast<std::uint32_t>(i));
    }
    static constexpr std::size_t own_pid_digits = 10;
    // The value of "KEY=VALUE", or empty; valid until this list changes.
    [[nodiscard]] std::string_view get(std::string_view key) const {
        for (std::size_t i = 0; i < starts_.size(); ++i)
            if (std::string_view item = (*this)[i]; item.starts_with(key) && item.substr(key.size()).starts_with('='))
                return item.substr(key.size() + 1);
        return {};
    }
    // Of "KEY=VALUE"; size() where there is none.
    [[nodiscard]] std::uint32_t index_of(std::string_view key) const {
        std::uint32_t i = 0;
        for (; i < starts_.size(); ++i)
            if (std::string_view item = (*this)[i]; item.starts_with(key) && item.substr(key.size()).starts_with('='))
                break;
        return i;
    }
    [[nodiscard]] std::size_t size() const { return starts_.size(); }
    [[nodiscard]] bool empty() const { return starts_.empty(); }
    [[nodiscard]] std::string_view operator[](std::size_t index) const { return bytes_.data() + starts_[index]; }
    // Appends a pointer to each string to `pointers`; they are valid until this list changes.
    void point(std::vector<char*>& pointers) const {
        for (std::size_t start : starts_)
            pointers.push_back(const_cast<char*>(bytes_.data()) + start);
    }
    bool operator==(const StringList&) const = default;

private:
    std::string bytes_;
    std::vector<std::size_t> starts_;
    std::vector<std::size_t> own_pids_; // offsets of these strings
};

// As the source of a Move: /dev/null, which the Spawner keeps open.
constexpr int null_device = -1;

// Our descriptor `source` becomes the child's `target`.
struct Move {
    int source = null_device;
    int target = 0;
    bool operator==(const Move&) const = default;
};

// A file that the child opens itself before it drops its privileges, walked as walk.hpp describes, as its descriptor
// `target`. A FIFO without a peer does not block: it is opened for reading and writing.
struct Open {
    std::string path;
    int flags = 0;
    mode_t mode = 0644;
    int target = 0;
};

// What a file holds, for the child alone: it reads the file itself, in memory of its own, before it drops privileges. So a
// secret is never in PID 1's memory. At most most_of_secret bytes of a regular file, found as walk.hpp says.
struct Secret {
    std::string name; // of the file that it gets, or of the variable
    std::string path;
};

// Secrets as files below `above`/`name`: a directory that the first process of a run makes, mode 0500, with files of mode
// 0400, all of `owner`; one that is complete already is left as it is. `above` is there, and no other user can write to it.
struct Credentials {
    std::string above, name;
    std::vector<Secret> files;
    uid_t owner = 0;
    gid_t group = 0;
};

// A terminal taken as controlling terminal (needs Session::fresh).
struct Terminal {
    std::string path;
    bool reset = true;                             // sane line discipline, as a login expects it
    std::array<bool, 3> onto = {true, true, true}; // which of stdin, stdout, stderr it becomes
};

// The numbers are those of sched_setscheduler(2).
struct Scheduling {
    int policy = 0;
    int priority = 0;
};

struct Limit {
    int resource = RLIMIT_NOFILE;
    rlim_t soft = 0;
    rlim_t hard = 0;
    bool at_most = false; // where the kernel refuses so much, our own hard limit does
};

// The child's whole life up to exec. What is at its default costs no system call. Descriptors of ours that no move
// names are not seen by the child; 0, 1 and 2 without move, open or terminal stay as ours are.
struct Plan {
    std::string file; // absolute path
    int program = -1; // this descriptor of the child, which a move makes, is executed instead: `file` is for messages
    StringList arguments;
    StringList environment;
    bool shell_for_scripts = false; // ENOEXEC runs `/bin/sh FILE ARG...`, as execvp(3) does

    std::vector<Move> moves;
    std::vector<Open> opens;
    std::optional<Terminal> terminal;
    Session session = Session::fresh;
    int foreground = -1; // this descriptor of the child is a terminal: make the child its foreground group

    int cgroup = -1; // an open cgroup v2 directory (O_PATH will do), or none
    mode_t umask = 022;
    std::string directory; // empty: as ours, which is `/`
    std::optional<int> nice;
    std::optional<int> oom_score;
    std::vector<Limit> limits;
    std::vector<unsigned long> processors; // that it may run on, a bit each; empty: as ours
    std::optional<Scheduling> scheduling;
    std::optional<int> io_priority;

    // What it sees of the machine. `network` is an open network namespace, or -1. A `root` is entered by chroot(2) where
    // there is no `mounting`. `directory`, `file` and the paths of what is mounted are below it; `opens` are not.
    int network = -1;
    std::vector<Directory> directories;
    std::optional<Credentials> credentials;
    std::vector<Secret> environment_from; // each variable is in `environment`, and its value is replaced
    std::optional<Mounting> mounting;
    std::string root;

    // With `user`, give `group` and `groups` too: what is not given is not changed.
    std::optional<uid_t> user;
    std::optional<gid_t> group;
    std::optional<std::vector<gid_t>> groups;
    std::string user_name; // for messages only
    bool no_new_privileges = false;
    bool ignore_sigpipe = false; // all other signals are at their default
    std::optional<Keeping> keeping;
    std::shared_ptr<const SystemCallFilter> filter;
    int parent_death_signal = 0;

    // Use the executor even if the credentials are ours: for a cgroup whose limits are so tight that they would affect
    // our memory.
    bool apart = false;
};

} // namespace mi::os
