#include "entry/leftovers.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "os/process/process.hpp"

namespace mi::entry {

namespace {

struct Process {
    pid_t pid;
    pid_t parent;
};

// Whether /proc belongs to our PID namespace: the pids of another one would name unrelated processes.
bool proc_is_ours() {
    char link[32];
    ssize_t size = ::readlink("/proc/self", link, sizeof link);
    return size > 0 && to_number<pid_t>(std::string_view(link, static_cast<std::size_t>(size))) == ::getpid();
}

std::vector<Process> all_processes() {
    std::vector<Process> all;
    for (pid_t pid : os::process_ids().value_or(std::vector<pid_t>{}))
        if (Result<os::ProcessStat> stat = os::process_stat(pid))
            all.push_back({stat->pid, stat->parent});
    return all;
}

// All our descendants: our children first, then their children, and so on.
std::vector<pid_t> descendants() {
    std::vector<Process> all = all_processes();
    auto by_parent = [](const Process& a, const Process& b) { return a.parent < b.parent; };
    std::sort(all.begin(), all.end(), by_parent);
    std::vector<pid_t> found{::getpid()};
    for (std::size_t i = 0; i < found.size(); ++i) {
        auto [child, end] = std::equal_range(all.begin(), all.end(), Process{0, found[i]}, by_parent);
        for (; child != end; ++child)
            found.push_back(child->pid);
    }
    found.erase(found.begin());
    return found;
}

} // namespace

void signal_leftovers(int signal, pid_t group) {
    if (::getpid() == 1)
        ::kill(-1, signal);
    else
        signal_descendants(signal, group);
}

void signal_descendants(int signal, pid_t group) {
    if (!proc_is_ours()) {
        ::kill(-group, signal);
        return;
    }
    for (pid_t pid : descendants())
        ::kill(pid, signal);
}

} // namespace mi::entry
