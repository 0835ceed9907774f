// What the tests of the Linux edge share: a directory of their own, a started program and what it said.
#pragma once

#include "base/fd.hpp"
#include "os/mount/mounts.hpp"
#include "os/process/children.hpp"
#include "os/spawn/spawn.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

namespace mi::os {

// Lets doctest print what failed.
inline doctest::String toString(const Fault& told) { return told.text().c_str(); }

class Scratch {
public:
    Scratch() {
        char pattern[] = "/tmp/miniinit-os-XXXXXX";
        path_ = ::mkdtemp(pattern);
        ::chmod(path_.c_str(), 0755);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    std::string write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
        std::string path = path_ + "/" + name;
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
        return path;
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

// A file like /proc/self/mountinfo with our mounts, in which /proc is a file system that may hang.
inline std::string mounts_with_foreign_proc(const Scratch& scratch) {
    std::string lines;
    for (const Mount& mount : read_mounts().value_or(std::vector<Mount>{}))
        lines += std::to_string(mount.id) + " 1 0:1 / " + mount.point + " rw - " +
                 (mount.point == "/proc" ? "fuse.sshfs" : mount.type) + " none rw\n";
    return scratch.write("mountinfo", lines);
}

inline std::string contents(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string program(const std::string& name) { return std::string(BINARY_DIR) + "/programs/" + name; }

// Everything until end of file.
inline std::string drain(int fd) {
    std::string text;
    char piece[4096];
    while (ssize_t got = ::read(fd, piece, sizeof piece)) {
        if (got < 0)
            break;
        text.append(piece, static_cast<std::size_t>(got));
    }
    return text;
}

// Until `condition` holds or some seconds have passed.
inline bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000; ++i) {
        if (condition())
            return true;
        ::usleep(5000);
    }
    return false;
}

inline bool is_root() { return ::geteuid() == 0; }

// Every signal blocked for as long as it lives, as it is in PID 1.
class Blocked {
public:
    Blocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::sigprocmask(SIG_SETMASK, &all, &before_);
    }
    Blocked(const Blocked&) = delete;
    Blocked& operator=(const Blocked&) = delete;
    ~Blocked() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

// A plan for one of our programs, with all three standard descriptors on /dev/null.
inline Plan plan_for(const std::string& name) {
    Plan plan;
    plan.file = program(name);
    plan.arguments = {name};
    plan.moves = {{null_device, 0}, {null_device, 1}, {null_device, 2}};
    return plan;
}

inline Plan shell_plan(const std::string& script) {
    Plan plan = plan_for("sh");
    plan.file = "/bin/sh";
    plan.arguments = {"sh", "-c", script};
    return plan;
}

// What a started program said and how it ended.
struct Run {
    std::string output;
    int status = -1;
    std::multimap<std::string, std::string> said; // by the first word of each line
    [[nodiscard]] std::string operator[](const std::string& key) const {
        auto found = said.find(key);
        return found == said.end() ? "(missing)" : found->second;
    }
};

inline Run run(Spawner& spawner, Plan plan) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    Fd read(ends[0]);
    Fd write(ends[1]);
    for (Move& move : plan.moves)
        if (move.target == 1)
            move.source = write.get();
    Run result;
    Blocked blocked;
    std::expected<pid_t, SpawnFault> child = spawner.spawn(plan);
    write.reset();
    if (!child) {
        result.output = child.error().text();
        return result;
    }
    result.output = drain(read.get());
    ::waitpid(*child, &result.status, 0);
    for (std::size_t at = 0; at < result.output.size();) {
        std::size_t end = result.output.find('\n', at);
        std::string line = result.output.substr(at, end - at);
        std::size_t blank = std::min(line.find(' '), line.size());
        result.said.emplace(line.substr(0, blank), line.substr(std::min(blank + 1, line.size())));
        at = end == std::string::npos ? result.output.size() : end + 1;
    }
    return result;
}

// The fault of a start that must fail.
inline SpawnFault failure(Spawner& spawner, const Plan& plan) {
    Blocked blocked;
    std::expected<pid_t, SpawnFault> child = spawner.spawn(plan);
    if (child) {
        ::kill(*child, SIGKILL);
        ::waitpid(*child, nullptr, 0);
        FAIL("it started");
    }
    return child.error();
}

// Runs `body` in a forked child, so that what it does to itself stays there; true if it returned true.
inline bool aside(const std::function<bool()>& body) {
    pid_t child = ::fork();
    if (child == 0)
        ::_exit(body() ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace mi::os
