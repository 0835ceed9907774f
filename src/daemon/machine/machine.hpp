// What only the init of a machine does before units are read: bringing the machine itself up. Its end is last_stage.hpp's.
#pragma once

#include "base/result.hpp"
#include "daemon/place.hpp"

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace mi::daemon {

// API mounts, console, hostname, `lo`, the clock, Ctrl-Alt-Del. What failed, in words; nothing of it is essential.
[[nodiscard]] std::vector<std::string> bring_up_machine();

// False: the clock shows no more than the build's time and what has passed since the kernel began, so it is where we had set it.
[[nodiscard]] bool clock_is_believable();

// Where to go on from an initramfs, or in a soft reboot, once everything is down.
struct NewRoot {
    std::string root;  // a mount point; "/": where we are
    std::string init;  // as seen from there
    bool soft = false; // what people call it
    [[nodiscard]] bool same() const { return root == "/"; }
};
// What goes on in there.
struct GoingOn {
    std::function<bool(pid_t)> lives_on; // a process of it
    std::function<Fault(int)> hand_over; // executes that program (-1: our own) with our state; returns where it fails
};
// Ends what is left, makes it the root directory and executes the init there. Where that cannot be, `program` is executed
// again, to boot once more. `going`: null where nothing goes on. Does not return.
[[noreturn]] void switch_root(const NewRoot& to, const std::string& program, const GoingOn* going);

} // namespace mi::daemon
