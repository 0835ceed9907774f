#include "daemon/process/summed_usage.hpp"

namespace mi::daemon {

namespace {
constexpr Span fresh = std::chrono::milliseconds(500);
} // namespace

os::CgroupUsage SummedUsage::of(core::UnitId unit) const {
    if (looked_ == Instant{} || kernel_.now() - looked_ >= fresh)
        look();
    const auto at = found_.find(unit);
    return at == found_.end() ? os::CgroupUsage{} : at->second;
}

void SummedUsage::look() const {
    found_.clear();
    if (const auto members = processes_.members_by_session())
        for (const auto& [unit, processes] : *members)
            found_[unit] = of(processes);
    looked_ = kernel_.now();
}

os::CgroupUsage SummedUsage::of(std::span<const pid_t> processes) const {
    os::CgroupUsage sum;
    for (pid_t pid : processes)
        if (const auto stat = kernel_.stat_of(pid)) { // or it has ended since
            sum.memory = sum.memory.value_or(0) + stat->resident;
            sum.cpu_usec = sum.cpu_usec.value_or(0) + stat->cpu_usec;
            sum.tasks = sum.tasks.value_or(0) + stat->threads;
        }
    return sum;
}

} // namespace mi::daemon
