// The first things a machine needs, done by PID 1 itself before anything can be started. Each is tried, none is
// essential: what fails is returned, said once the console is there, and lived with. The last things are
// shutdown.hpp's.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

// /proc, /sys, /dev, /dev/pts, /dev/shm, /run, /sys/fs/cgroup: each mounted where it is not a mount yet. Without
// devtmpfs, /dev is a tmpfs with the nodes every program expects. Returns what failed.
[[nodiscard]] std::vector<Fault> mount_api();

// /dev/console (never as controlling terminal) as descriptors 0, 1 and 2; /dev/null where there is no console.
// False with a fault's words in it where not even that is there.
Result<> take_console();

// The name in /etc/hostname, else the one the kernel has, else "localhost". Returns the name in force.
Result<std::string> set_hostname(const std::string& file = "/etc/hostname");
// `lo` up; 127.0.0.1 and ::1 come with it.
Result<> bring_loopback_up();
// Ctrl-Alt-Del sends us SIGINT rather than rebooting at once.
Result<> disable_ctrl_alt_del();
// The words given to the kernel; quotes keep blanks together and are removed.
[[nodiscard]] std::vector<std::string> kernel_command_line(const std::string& file = "/proc/cmdline");
[[nodiscard]] std::vector<std::string> split_command_line(std::string_view text);
// Sets a wall clock that is earlier than `built` to it. True if it had to.
Result<bool> sane_clock(WallTime built);

// Whether we are in the machine's first PID namespace: PID 1 there must never exit.
enum class Habitat { machine, container };
[[nodiscard]] Habitat habitat();
// "docker", "podman", "lxc"... as far as the runtime says; empty outside.
[[nodiscard]] std::string container_name();

} // namespace mi::os
