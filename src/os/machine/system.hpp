// The first steps of a machine, done by PID 1 itself before it starts any process. Each is tried and none is essential:
// failures are returned, to be reported once the console is open, and PID 1 goes on. The last steps are in
// shutdown.hpp.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// Where the root file system cannot be written and has no directory for one of the first mounts: a small one in memory becomes the
// root, with all that is in the old one bound into it. False: there was no need.
[[nodiscard]] Result<bool> complete_root();

// Mounts /proc, /sys, /dev, /dev/pts, /dev/shm, /run and /sys/fs/cgroup, each only if it is not a mount yet. Without
// devtmpfs, /dev becomes a tmpfs with the nodes that every program expects. Returns the failures.
[[nodiscard]] std::vector<Fault> mount_api();

// Mounts /proc alone, for a reader that needs it before all the others; mount_api() reports what is wrong.
void mount_proc();

// Opens /dev/console (never as controlling terminal) as descriptors 0, 1 and 2, or /dev/null if there is no console. A
// fault if neither can be opened.
Result<> take_console();

// Sets the name in /etc/hostname, else the kernel's present one, else "localhost". Returns the name in force.
Result<std::string> set_hostname(const std::string& file = "/etc/hostname");
// Brings `lo` up; the kernel then adds 127.0.0.1 and ::1.
Result<> bring_loopback_up();
// Makes Ctrl-Alt-Del send us SIGINT instead of rebooting at once (reboot(2), RB_DISABLE_CAD).
Result<> disable_ctrl_alt_del();
// Mounts /proc alone, for a reader that needs it before all the others; mount_api() reports what is wrong.
void mount_proc();

// Opens /dev/console (never as controlling terminal) as descriptors 0, 1 and 2, or /dev/null if there is no console. A
// fault if neither can be opened.
[[nodiscard]] std::vector<std::string> split_command_line(std::string_view text);
// If the wall clock is earlier than `built`, sets it to `built`. True if it was changed.
Result<bool> sane_clock(WallTime built);

// Machine: we are in the first PID namespace, where PID 1 must never exit. Container: in any other.
enum class Habitat { machine, container };
[[nodiscard]] Habitat habitat();
// "docker", "podman", "lxc"... as far as the runtime tells; empty outside a container.
[[nodiscard]] std::string container_name();

} // namespace mi::os
