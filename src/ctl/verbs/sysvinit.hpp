// Compatibility with sysvinit: the words of telinit(8), runlevels as targets, and the status of init scripts.
#pragma once

#include "base/fd.hpp"
#include "base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mi::ctl {

// `minictl target 3` is `runlevel3`, an alias of a target; S is runlevel1. Anything else is itself.
[[nodiscard]] std::string target_of_runlevel(const std::string& word);

// `telinit WORD`, and `init WORD` where that is not process 1.
int telinit_main(int argc, char** argv);

// What the script behind `sysv@NAME` says to `status`, and its exit code (LSB: 0 running, 3 not running). Nothing for other
// units, and where there is no script.
struct ScriptStatus {
    std::string text;
    int code = 0;
};
[[nodiscard]] std::optional<ScriptStatus> script_status(const std::string& unit, Span patience);

} // namespace mi::ctl
