// Units that no file describes.
#pragma once

#include "core/unit.hpp"

#include <string>
#include <vector>

namespace mi::daemon {

// What the last resort is called.
inline constexpr const char* builtin_name = "builtin-shell";

// The last resort on a machine: sulogin, or a shell, on the console, for as long as it takes.
[[nodiscard]] core::Unit builtin_shell();

// A command of [manager], as a unit with its log and its time limits.
[[nodiscard]] core::Unit boot_command(const std::string& name, const core::Command& command);

// The units that a machine has whatever its files say, in front of which those of the files have precedence: the last resort,
// `boot-complete`, and the commands that follow a boot.
void add_machine_units(std::vector<core::Unit>& units, const core::ManagerSettings& settings);

// The command a container was started with, as a unit beside the others.
[[nodiscard]] core::Unit entry_unit(const core::Command& command);

} // namespace mi::daemon
