// The steps of a child on its way to its program. A failed start names one of them.
#pragma once

#include <cstdint>

namespace mi::os {

// In the order in which they are performed.
enum class Step : std::uint16_t {
    clone,             // making the process
    executor,          // executing the executor image
    network_namespace, // unshare(2), in a child of Spawner::make_network
    loopback,          // ioctl(2) SIOCSIFFLAGS, in the same child
    descriptors,       // take a separate descriptor table
    stdio,             // dup3(2) of Plan::moves
    network,           // setns(2) into Plan::network
    cgroup,            // joining its cgroup
    session,           // setsid(2), or setpgid(2) for Session::group
    open_file,         // Plan::opens
    terminal,          // make Plan::terminal the controlling terminal
    foreground,        // tcsetpgrp(3)
    nice,              //
    oom_score,         //
    processors,        // sched_setaffinity(2)
    scheduling,        // sched_setscheduler(2)
    io_priority,       // ioprio_set(2)
    own_directory,     // Plan::directories
    mount_namespace,   // unshare(2)
    mount,             // Plan::mounting
    root,              // pivot_root(2) or chroot(2) into Plan::root
    limits,            //
    capabilities,      // Plan::keeping; partly after `user`
    groups,            // setgroups(2)
    group,             // setresgid(2)
    no_new_privileges, //
    user,              // setresuid(2)
    directory,         // chdir(2), as the user: it fails if the user may not enter the directory
    parent_death,      //
    signals,           // dispositions and mask
    filter,            // Plan::filter
    exec,              // execve(2)
    // Both are done after `own_directory`. Their numbers come last, as an executor of an older program tells the others.
    credential,       // Plan::credentials
    environment_from, // Plan::environment_from
};
constexpr Step last_step = Step::environment_from;

} // namespace mi::os
