// The usage of a unit as its cgroup counts it, its out-of-memory events, and freezing.
#include "os/cgroup/cgroup.hpp"

#include "base/text.hpp"
#include "os/cgroup/cgroup_files.hpp"

#include <algorithm>
#include <cerrno>

namespace mi::os {

using namespace cgroup;

namespace {

std::optional<std::uint64_t> number_in(int directory, const char* file) {
    Result<std::string> text = read_at(directory, file);
    return text ? to_number<std::uint64_t>(trim(*text)) : std::nullopt;
}

// Counts threads (one line each) of this cgroup and of its nested ones.
std::uint64_t count_tasks(int directory, int depth = 0) {
    std::string text = read_at(directory, "cgroup.threads").value_or("");
    auto tasks = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    if (depth < depth_limit)
        each_nested(directory, [&](const std::string& name) {
            if (Fd nested = open_directory(directory, name))
                tasks += count_tasks(nested.get(), depth + 1);
        });
    return tasks;
}

std::optional<CgroupOom> oom_in(int directory) {
    Result<std::string> events = read_at(directory, "memory.events");
    if (!events)
        return std::nullopt;
    return CgroupOom{number_of(*events, "oom_kill").value_or(0), number_of(*events, "oom").value_or(0)};
}

} // namespace

CgroupUsage CgroupTree::usage(std::string_view unit, bool peak) const {
    CgroupUsage usage;
    Fd fd = open_unit(unit);
    if (!fd)
        return usage;
    usage.memory = number_in(fd.get(), "memory.current");
    if (peak)
        usage.memory_peak = number_in(fd.get(), "memory.peak");
    usage.cpu_usec = number_of(read_at(fd.get(), "cpu.stat").value_or(""), "usage_usec");
    usage.tasks = number_in(fd.get(), "pids.current");
    if (!usage.tasks)
        usage.tasks = count_tasks(fd.get());
    return usage;
}

std::optional<CgroupOom> CgroupTree::oom(std::string_view unit) const {
    Fd fd = open_unit(unit);
    return fd ? oom_in(fd.get()) : std::nullopt;
}

std::optional<CgroupOom> CgroupTree::oom() const { return oom_in(directory_.get()); }

Result<> CgroupTree::freeze(std::string_view unit, bool frozen) const {
    return set(unit, "cgroup.freeze", frozen ? "1" : "0");
}

} // namespace mi::os
