// Sets the child's identity and privileges: IDs and capabilities, and the filter of system calls.
#include "os/spawn/steps.hpp"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

namespace mi::os {
namespace {

constexpr std::size_t every_capability = 64; // as the item of a report: it is about no single capability

// On architectures with both forms, the old ones know only 65,536 users.
#ifdef SYS_setresuid32
constexpr long set_user = SYS_setresuid32, set_group = SYS_setresgid32, set_groups = SYS_setgroups32;
#else
constexpr long set_user = SYS_setresuid, set_group = SYS_setresgid, set_groups = SYS_setgroups;
#endif

// Restricts the bounding set while we have the privilege: later that is impossible.
BARE bool bound_capabilities(const Orders& orders, Progress& progress) {
    for (int capability = 0; capability < 64; ++capability) {
        progress.at(Step::capabilities, static_cast<std::size_t>(capability));
        if ((orders.bounding >> capability & 1) != 0)
            continue;
        const long bound = call(SYS_prctl, PR_CAPBSET_READ, capability, 0, 0, 0);
        if (bound < 0) // the kernel has no more capabilities
            break;
        if (bound == 1 && !progress.did(call(SYS_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0)))
            return false;
    }
    return true;
}

BARE long set_capabilities(std::uint64_t kept, bool inheritable) {
    struct __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2]{};
    for (int half = 0; half < 2; ++half) {
        auto bits = static_cast<std::uint32_t>(kept >> (32 * half));
        sets[half].permitted = sets[half].effective = bits;
        sets[half].inheritable = inheritable ? bits : 0;
    }
    return call(SYS_capset, &header, sets);
}

BARE bool raise_ambient(std::uint64_t set, Progress& progress) {
    for (int capability = 0; capability < 64; ++capability) {
        progress.at(Step::capabilities, static_cast<std::size_t>(capability));
        if ((set >> capability & 1) != 0 &&
            !progress.did(call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)))
            return false;
    }
    return true;
}

BARE bool clear_ambient(Progress& progress) {
    const long cleared = call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return cleared == -EINVAL || progress.did(cleared); // EINVAL: before Linux 4.3
}

// For root, exec keeps capabilities according to the bounding set; for other users only the ambient set survives, whose
// members must be inheritable.
BARE bool keep_capabilities(const Orders& orders, Progress& progress) {
    progress.at(Step::capabilities, every_capability);
    return progress.did(set_capabilities(orders.kept, orders.by_ambience != 0)) && clear_ambient(progress) &&
           (orders.by_ambience == 0 || raise_ambient(orders.kept, progress));
}

} // namespace

BARE bool carry_capabilities(const Child& child, Progress& progress) {
    const std::uint64_t carried = child.orders->carried;
    progress.at(Step::capabilities, every_capability);
    return carried == 0 || (progress.did(set_capabilities(carried, true)) && raise_ambient(carried, progress));
}

BARE bool change_identity(const Child& child, Progress& progress) {
    const Orders& orders = *child.orders;
    if (orders.keeping_given != 0 && !bound_capabilities(orders, progress))
        return false;
    progress.at(Step::capabilities, every_capability);
    if (orders.carried != 0 && !clear_ambient(progress)) // our program must not inherit these
        return false;
    if (orders.groups_given != 0 &&
        !progress.did(Step::groups, call(set_groups, orders.groups.count, child.all(orders.groups))))
        return false;
    const long group = orders.group.value, user = orders.user.value;
    if (orders.group.given != 0 && !progress.did(Step::group, call(set_group, group, group, group)))
        return false;
    if (orders.no_new_privileges != 0 &&
        !progress.did(Step::no_new_privileges, call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
        return false;
    const bool changes = orders.user.given != 0 && user != 0;
    const bool keeps = orders.keeping_given != 0 && orders.kept_given != 0;
    progress.at(Step::capabilities, every_capability);
    if (keeps && orders.kept != 0 && changes && !progress.did(call(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0)))
        return false;
    if (orders.user.given != 0 && !progress.did(Step::user, call(set_user, user, user, user)))
        return false;
    if (keeps)
        return keep_capabilities(orders, progress);
    return orders.keeps_capabilities == 0 || !changes || progress.did(set_capabilities(0, false));
}

BARE bool install_filter(const Child& child, Progress& progress) {
    if (child.orders->filter_given == 0)
        return true;
    struct sock_fprog filter{static_cast<unsigned short>(child.orders->filter.count), child.all(child.orders->filter)};
    return progress.did(Step::filter, call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0UL, &filter));
}

} // namespace mi::os
