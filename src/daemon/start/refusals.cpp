#include "daemon/start/refusals.hpp"

#include "base/resource_limits.hpp"
#include "daemon/start/launch.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mi::daemon {

namespace {

// No privilege, a security module, or a kernel without it.
bool is_refusal(int code) { return code == EPERM || code == EACCES || code == ENOSYS || code == EOPNOTSUPP; }

void lacks(Launch& launch, std::string_view what) {
    if (std::ranges::find(launch.lacks, what) == launch.lacks.end())
        launch.lacks.emplace_back(what);
}

// Mounts that show something elsewhere, which the program relies on, are no mere protection.
bool only_protects(const os::Plan& plan) {
    return std::ranges::none_of(plan.mounting->changes, [&](const os::MountChange& change) {
        return change.about.starts_with("bind-") || (!plan.root.empty() && change.kind == os::MountKind::bind);
    });
}

void leave_out_mounts(Launch& launch) {
    os::Plan& plan = launch.plan;
    if (!plan.mounting || !only_protects(plan))
        return;
    if (plan.mounting->changes.empty())
        lacks(launch, "private-mounts");
    for (const os::MountChange& change : plan.mounting->changes)
        if (change.kind != os::MountKind::read_write &&
            (change.kind != os::MountKind::bind || change.path != change.source))
            lacks(launch, std::string_view(change.about).substr(0, change.about.find(' '))); // the key
    // What was to be bound over /tmp is not made.
    std::erase_if(plan.directories, [&](const os::Directory& directory) {
        return std::ranges::any_of(plan.mounting->changes, [&](const os::MountChange& change) {
            return change.kind == os::MountKind::bind && change.path != change.source &&
                   change.source == directory.path();
        });
    });
    plan.mounting.reset();
}

void lower_limits(Launch& launch) {
    for (os::Limit& limit : launch.plan.limits) {
        rlimit ours{};
        limit.at_most = true;
        if (::getrlimit(static_cast<__rlimit_resource_t>(limit.resource), &ours) == 0 && limit.hard <= ours.rlim_max)
            continue;
        for (const ResourceLimit& each : resource_limits)
            if (each.resource == limit.resource)
                lacks(launch, "limits." + std::string(each.name));
    }
}

} // namespace

bool Refusals::note(const os::SpawnFault& fault, const core::Process* process) {
    if (!is_refusal(fault.code))
        return false;
    const auto learn = [](int& known, const std::optional<int>& value) {
        known = std::max(known, value.value_or(INT_MIN));
        return value.has_value();
    };
    // What is bound into a root directory, or by `bind-paths`, is not left out: once is enough to see that.
    const core::Confinement* wanted = process != nullptr ? process->confinement.get() : nullptr;
    const bool only_here = wanted == nullptr || (wanted->root_directory.empty() && wanted->bind_paths.empty() &&
                                                 wanted->bind_read_only_paths.empty());
    switch (fault.step) {
    case os::Step::nice: return process != nullptr && learn(nice, process->nice);
    case os::Step::oom_score: return process != nullptr && learn(oom_score, process->oom_score_adjust);
    case os::Step::limits: limits = true; return true;
    case os::Step::mount_namespace:
    case os::Step::mount: return !std::exchange(mounts, true) || only_here;
    case os::Step::network_namespace:
    case os::Step::network: network = true; return true;
    default: return false;
    }
}

void Refusals::leave_out(Launch& launch) const {
    os::Plan& plan = launch.plan;
    if (plan.nice && *plan.nice <= nice) {
        plan.nice.reset();
        lacks(launch, "nice");
    }
    if (plan.oom_score && *plan.oom_score <= oom_score) {
        plan.oom_score.reset();
        lacks(launch, "oom-score-adjust");
    }
    if (limits)
        lower_limits(launch);
    if (mounts)
        leave_out_mounts(launch);
}

bool goes_without(const core::Process* process, Mode mode) {
    const core::Strictness said = process != nullptr ? process->strictness : core::Strictness::automatic;
    return said == core::Strictness::attempt || (said == core::Strictness::automatic && mode == Mode::container);
}

} // namespace mi::daemon
