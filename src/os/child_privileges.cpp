// Who the child becomes and what it may still do: ids, capabilities, system calls.
#include "os/progress.hpp"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mi::os {
namespace {

constexpr std::size_t every_capability = 64; // as the item of a report: it is about no single one

// While we still may: later the bounding set cannot be changed any more.
BARE bool bound_capabilities(const Plan& plan, Progress& progress) {
    for (int capability = 0; capability < 64; ++capability) {
        progress.at(Step::capabilities, static_cast<std::size_t>(capability));
        if ((plan.keeping->bounding >> capability & 1) != 0)
            continue;
        int bound = ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (bound < 0) // the kernel has no more of them
            break;
        if (bound == 1 && !progress.did(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)))
            return false;
    }
    return true;
}

BARE bool set_capabilities(CapabilitySet kept, bool inheritable) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2]{};
    for (int half = 0; half < 2; ++half) {
        auto bits = static_cast<std::uint32_t>(kept >> (32 * half));
        sets[half].permitted = sets[half].effective = bits;
        sets[half].inheritable = inheritable ? bits : 0;
    }
    return ::syscall(SYS_capset, &header, sets) == 0;
}

// What exec keeps for root follows from the bounding set; for others it is the ambient set, whose members have to be
// inheritable.
BARE bool keep_capabilities(const Keeping& keeping, Progress& progress) {
    progress.at(Step::capabilities, every_capability);
    if (!set_capabilities(*keeping.kept, keeping.by_ambience))
        return progress.did(-1);
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) // before Linux 4.3
        return progress.did(-1);
    for (int capability = 0; keeping.by_ambience && capability < 64; ++capability) {
        progress.at(Step::capabilities, static_cast<std::size_t>(capability));
        if ((*keeping.kept >> capability & 1) != 0 &&
            !progress.did(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)))
            return false;
    }
    return true;
}

} // namespace

// Where there are two of them the plain ones know only 65,536 users.
#ifdef SYS_setresuid32
constexpr long set_user = SYS_setresuid32, set_group = SYS_setresgid32, set_groups = SYS_setgroups32;
#else
constexpr long set_user = SYS_setresuid, set_group = SYS_setresgid, set_groups = SYS_setgroups;
#endif

// The raw calls: libc's would look for threads to take along, and find our parent's.
BARE bool change_identity(const ChildOrders& orders, Progress& progress) {
    const Plan& plan = *orders.plan;
    if (plan.keeping && !bound_capabilities(plan, progress))
        return false;
    if (plan.groups && !progress.did(Step::groups, ::syscall(set_groups, plan.groups->size(), plan.groups->data())))
        return false;
    if (plan.group && !progress.did(Step::group, ::syscall(set_group, *plan.group, *plan.group, *plan.group)))
        return false;
    if (plan.no_new_privileges && !progress.did(Step::no_new_privileges, ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))
        return false;
    bool changes = plan.user && *plan.user != 0;
    bool keeps = plan.keeping && plan.keeping->kept;
    progress.at(Step::capabilities, every_capability);
    if (keeps && *plan.keeping->kept != 0 && changes && !progress.did(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)))
        return false;
    if (plan.user && !progress.did(Step::user, ::syscall(set_user, *plan.user, *plan.user, *plan.user)))
        return false;
    if (keeps)
        return keep_capabilities(*plan.keeping, progress);
    return !orders.keeps_capabilities || !changes || set_capabilities(0, false) || progress.did(-1);
}

BARE bool install_filter(const ChildOrders& orders, Progress& progress) {
    if (!orders.plan->filter)
        return true;
    const std::vector<sock_filter>& program = orders.plan->filter->program;
    sock_fprog filter{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
    return progress.did(Step::filter, ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0UL, &filter));
}

} // namespace mi::os
