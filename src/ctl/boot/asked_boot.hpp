// What the verbs that tell of the boot, and those that draw it, ask the init.
#pragma once

#include "ctl/boot/boot.hpp"
#include "ctl/context.hpp"

#include <optional>
#include <string>

namespace mi::ctl {

// The boot, from the init; nullopt after reporting a failure: then `code` is the exit code.
[[nodiscard]] std::optional<Boot> boot_of(const Context& context, int& code);
// Puts the index of the unit into `at`; reports if there is no such unit.
[[nodiscard]] bool found(const Context& context, const Boot& boot, const std::string& name,
                         std::optional<std::size_t>& at, int& code);

} // namespace mi::ctl
