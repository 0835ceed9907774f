// How a child notes what it is doing, for the parent that borrows it its memory. Private to the child's side of a start.
#pragma once

#include "os/child.hpp"

#include <cerrno>

// Not instrumented by sanitizers, whose notes on the child's stack would outlive it.
#define BARE __attribute__((no_sanitize("address", "undefined")))

namespace mi::os {

// Sees to it that a result that is an error ends the child with that step in its report.
class Progress {
public:
    BARE explicit Progress(ChildReport& report) : report_(report) {}
    BARE void at(Step step, std::size_t item = 0) {
        report_.step = step;
        report_.item = item;
    }
    BARE bool did(long result) {
        if (result >= 0)
            return true;
        report_.code = errno;
        report_.failed = true;
        return false;
    }
    BARE bool did(Step step, long result) {
        at(step);
        return did(result);
    }

private:
    ChildReport& report_;
};

// child_mounts.cpp: Plan::directories; then Plan::mounts and Plan::root.
BARE bool make_directories(const Plan& plan, Progress& progress);
BARE bool change_mounts(ChildOrders& orders, Progress& progress);

// child_network.cpp: an errand. Leaves a new network namespace in `found`, as a descriptor of the table we share.
BARE void make_network_namespace(ChildOrders& orders);

// child_privileges.cpp: user, groups, capabilities and no_new_privileges; and, last of all, Plan::filter.
BARE bool change_identity(const ChildOrders& orders, Progress& progress);
BARE bool install_filter(const ChildOrders& orders, Progress& progress);

} // namespace mi::os
