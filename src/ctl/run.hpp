// The command line: `minictl`, and `poweroff`, `reboot`, `halt`, `shutdown` as links to it.
#pragma once

#include <string_view>

namespace mi::ctl {

// Does what argv says, by the name it was called by; the result is the exit code: 0 done, 1 failed, 2 not understood, 3 not
// running, 4 no such unit or not allowed.
int run(int argc, char** argv);

// Whether `init WORD`, called by anybody but the kernel, means `telinit WORD`.
[[nodiscard]] bool is_telinit_word(std::string_view word);

} // namespace mi::ctl
