// The words for the steps of a child.
#include "os/spawn/plan.hpp"

#include "base/unreachable.hpp"

namespace mi::os {

std::string_view name(Step step) {
    switch (step) {
    case Step::clone: return "clone";
    case Step::executor: return "execute the executor";
    case Step::network_namespace: return "unshare";
    case Step::loopback: return "bring up lo";
    case Step::network: return "setns";
    case Step::cgroup: return "join cgroup";
    case Step::descriptors: return "close descriptors";
    case Step::session: return "setsid";
    case Step::stdio: return "dup2";
    case Step::open_file: return "open";
    case Step::terminal: return "take terminal";
    case Step::foreground: return "tcsetpgrp";
    case Step::nice: return "setpriority";
    case Step::oom_score: return "set oom_score_adj";
    case Step::processors: return "sched_setaffinity";
    case Step::scheduling: return "sched_setscheduler";
    case Step::io_priority: return "ioprio_set";
    case Step::own_directory: return "make directory";
    case Step::mount_namespace: return "unshare";
    case Step::mount: return "mount";
    case Step::root: return "change root";
    case Step::limits: return "setrlimit";
    case Step::capabilities: return "set capabilities";
    case Step::groups: return "setgroups";
    case Step::group: return "setgid";
    case Step::no_new_privileges: return "set no_new_privs";
    case Step::user: return "setuid";
    case Step::directory: return "chdir";
    case Step::parent_death: return "set parent-death signal";
    case Step::signals: return "reset signals";
    case Step::filter: return "seccomp";
    case Step::exec: return "exec";
    case Step::credential: return "give credential";
    case Step::environment_from: return "read environment-from";
    }
    unreachable("there is no other step");
}

} // namespace mi::os
