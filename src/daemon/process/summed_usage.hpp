// What a unit's processes use, where no cgroup counts it: the sum over them. What has ended is not in it, and memory that they share is
// counted for each; so it is told as what it is.
#pragma once

#include "daemon/kernel.hpp"
#include "daemon/process/processes.hpp"

#include <span>
#include <unordered_map>

namespace mi::daemon {

class SummedUsage {
public:
    SummedUsage(Kernel& kernel, const Processes& processes) : kernel_(kernel), processes_(processes) {}

    // Of a unit that is held together by its session. Who looks at all units has all processes looked at once: what was found
    // then is told for half a second. Nothing where it has no process, or /proc does not tell.
    [[nodiscard]] os::CgroupUsage of(core::UnitId unit) const;
    // Of these processes.
    [[nodiscard]] os::CgroupUsage of(std::span<const pid_t> processes) const;

private:
    void look() const;

    Kernel& kernel_;
    const Processes& processes_;
    // What the last look has found.
    mutable std::unordered_map<core::UnitId, os::CgroupUsage> found_;
    mutable Instant looked_{};
};

} // namespace mi::daemon
