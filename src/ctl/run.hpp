// The command line of `minictl`, and of its links `poweroff`, `reboot`, `halt`, `shutdown`.
#pragma once

#include <string_view>

namespace mi::ctl {

// Runs the command line, by the name of the command; returns the exit code: 0 done, 1 failed, 2 not understood, 3 not
// running, 4 no such unit or not allowed.
int run(int argc, char** argv);

// Whether `init WORD`, not called by the kernel, means `telinit WORD`.
[[nodiscard]] bool is_telinit_word(std::string_view word);

} // namespace mi::ctl
