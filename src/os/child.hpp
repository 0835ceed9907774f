// What the child does between clone and exec. Private to this room: spawn.cpp prepares it and tells its outcome.
#pragma once

#include "os/plan.hpp"

#include <csignal>
#include <utility>
#include <vector>

namespace mi::os {

// Left in shared memory by a child that could not become its program.
struct ChildReport {
    bool failed = false;
    Step step = Step::descriptors; // kept up to date, so that it also names where a child is stuck
    int code = 0;
    std::size_t item = 0; // which of the plan's moves, opens or limits
};

// A plan made ready for a child that may do nothing but system calls.
struct ChildOrders {
    const Plan* plan = nullptr;
    char** arguments = nullptr;
    char** shell_arguments = nullptr; // for ENOEXEC, or none
    char** environment = nullptr;
    std::vector<char*> own_pids; // where it writes its own pid, see StringList

    std::vector<Move> moves;  // sources as the child finds them
    bool lift_moves = false;  // sources may be in the way of targets
    int own_table_up_to = -1; // the descriptor table is shared with the parent: take a copy of what is below this
    std::vector<std::pair<unsigned, unsigned>> gaps; // descriptors to close once the moves are done
    int cgroup_procs = -1;                           // to write to, where clone could not put us there

    pid_t parent = 0;
    mode_t own_umask = 022;                 // what we come with
    bool keeps_capabilities = false;        // a change of user would leave them (securebits)
    std::vector<int> trees;                 // what Plan::mounting's changes have taken hold of; as many
    std::vector<int> ignored_signals;       // whose dispositions are not the default
    void (*errand)(ChildOrders&) = nullptr; // done instead of becoming a program; what comes of it is in `found`
    int found = -1;
    bool speak = false; // nobody waits for the report: say it on stderr
    ChildReport report;
};

// Carries the orders out; does not return.
void be_child(ChildOrders& orders);

} // namespace mi::os
