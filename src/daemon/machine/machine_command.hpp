// `-- COMMAND ARG…` on the kernel command line: the machine sets itself up, runs this one command as a container's entrypoint
// does, and ends with it, with its exit code for the host. No unit is started.
#pragma once

#include "daemon/options.hpp"
#include "os/machine/kernel_line.hpp"

#include <span>

namespace mi::daemon {

// `arguments` are what we were started with; with `options.resume_fd` a command goes on that the program before us has left.
[[noreturn]] void run_machine_command(Options options, const os::KernelLine& line, std::span<char* const> arguments);

} // namespace mi::daemon
