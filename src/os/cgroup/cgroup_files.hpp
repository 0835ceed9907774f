// Reads and writes the files and directories of the cgroup file system, relative to an open directory. Private to this
// folder.
#pragma once

#include "base/directory.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os::cgroup {

// The deepest nesting of cgroups below a unit's. The kernel has no limit by default; programs need two or three levels.
constexpr int depth_limit = 32;

[[nodiscard]] Fd open_directory(int at, const std::string& name);
[[nodiscard]] Result<std::string> read_at(int directory, const char* name);
Result<> write_at(int directory, const char* name, std::string_view text);
[[nodiscard]] bool exists_at(int directory, const char* name);

// The processes directly in a cgroup; 0 stands for a process that our PID namespace does not show.
[[nodiscard]] Result<std::vector<pid_t>> processes_in(int directory);

// The number after `key` in lines of the form "KEY NUMBER", or nullopt.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text, std::string_view key);

// Calls `visit` with the name of each cgroup directly in `directory`.
template <typename Visit>
void each_nested(int directory, Visit visit) {
    struct stat status{};
    if (::fstat(directory, &status) == 0 && status.st_nlink == 2)
        return; // the link count includes nested cgroups; most cgroups have none
    if (const auto entries = list_directory(directory))
        for (const DirectoryEntry& entry : *entries)
            if (entry.type == DT_DIR)
                visit(entry.name);
}

} // namespace mi::os::cgroup
