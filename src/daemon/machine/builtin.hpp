// Units that no file describes.
#pragma once

#include "core/unit.hpp"

#include <string>

namespace mi::daemon {

// What the last resort is called.
inline constexpr const char* builtin_name = "builtin-shell";

// The last resort on a machine: sulogin, or a shell, on the console, for as long as it takes.
[[nodiscard]] core::Unit builtin_shell();

// The command a container was started with, as a unit beside the others.
[[nodiscard]] core::Unit entry_unit(const core::Command& command);

} // namespace mi::daemon
