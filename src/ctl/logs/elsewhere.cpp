#include "ctl/logs/elsewhere.hpp"

#include "base/directory.hpp"

#include <limits.h>
#include <unistd.h>

#include <algorithm>

namespace mi::ctl {

namespace {

constexpr std::string_view logs = "/var/log/";

bool is_other_log(std::string_view path) { return path.starts_with(logs) && !path.starts_with("/var/log/miniinit/"); }

std::vector<std::string> open_logs_of(pid_t pid) {
    std::vector<std::string> found;
    const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
    const auto entries = list_directory(directory);
    for (const DirectoryEntry& entry : entries ? *entries : std::vector<DirectoryEntry>{}) {
        char target[PATH_MAX];
        const ssize_t length = ::readlink((directory + "/" + entry.name).c_str(), target, sizeof target);
        const std::string_view path(target, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
        if (is_other_log(path) && std::ranges::find(found, path) == found.end())
            found.emplace_back(path);
    }
    return found;
}

} // namespace

std::vector<std::string> other_logs(const Context& context, const std::string& unit) {
    std::vector<std::string> found;
    if (const auto told = context.call(wire::Status{{unit}}); told && told->units.size() == 1)
        if (const auto pid = told->units.front().main_pid)
            found = open_logs_of(*pid);
    const std::string path = std::string(logs) + unit.substr(0, unit.find('@'));
    for (const char* suffix : {"", ".log"})
        if (found.empty() && unit != "miniinit" && ::access((path + suffix).c_str(), F_OK) == 0)
            found.push_back(path + suffix);
    return found;
}

} // namespace mi::ctl
