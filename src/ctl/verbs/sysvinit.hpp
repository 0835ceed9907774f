// Compatibility with sysvinit: the words of telinit(8), runlevels as targets, and the status of init scripts.
#pragma once

#include "base/fd.hpp"
#include "base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mi::ctl {

// `minictl target 3` means `runlevel3`, an alias of a target; S is runlevel1. Any other word is returned unchanged.
[[nodiscard]] std::string target_of_runlevel(const std::string& word);

// `telinit WORD`, and `init WORD` if that is not process 1.
int telinit_main(int argc, char** argv);

// The answer of the script behind `sysv@NAME` to `status`, and its exit code (LSB: 0 running, 3 not running). nullopt
// for other units, and if there is no script.
struct ScriptStatus {
    std::string text;
    int code = 0;
};
[[nodiscard]] std::optional<ScriptStatus> script_status(const std::string& unit, Span patience);

} // namespace mi::ctl
