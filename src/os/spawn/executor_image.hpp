// The file that the executor is executed from: a sealed file in memory. If memory files must not be executable (sysctl
// vm.memfd_noexec), it is our own binary, which enters the same code (enter_executor).
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

namespace mi::os {

// The image as a sealed memory file (memfd_create(2)), which no process can change; close-on-exec.
[[nodiscard]] Result<Fd> make_executor_image();
// Our own binary, open for execution; close-on-exec. Needs /proc, or the path by which we were executed, if it still
// leads to us.
[[nodiscard]] Result<Fd> open_own_binary();

// For main(): becomes the executor if the arguments end with orders, else returns at once.
void enter_executor(int count, char** arguments, char** environment);

} // namespace mi::os
