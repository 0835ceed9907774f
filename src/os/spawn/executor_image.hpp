// Where the executor is executed from: a sealed file in memory. Where there may be none with programs in it (sysctl
// vm.memfd_noexec), our own binary, which enters the same code (enter_executor).
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

namespace mi::os {

// The image as a file that nobody can change; close-on-exec.
[[nodiscard]] Result<Fd> make_executor_image();
// Our own binary, to be executed; close-on-exec. Needs /proc, or a path by which we were executed that still leads here.
[[nodiscard]] Result<Fd> open_own_binary();

// For main(): becomes the executor where the arguments end with orders, else returns at once.
void enter_executor(int count, char** arguments, char** environment);

} // namespace mi::os
