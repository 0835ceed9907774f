// Container mode with one command and no units: `miniinit -- COMMAND`, as an ENTRYPOINT has it. One process, no collector,
// no socket, no file, no event loop. With units present the supervisor does this work instead.
#pragma once

#include "daemon/options.hpp"

namespace mi::daemon {

// Runs `options.command` as the main process, hands every signal on to it, reaps every orphan, and ends what it left
// behind. Gives the exit code for us: the command's own, 128 + signal, 127 (not found), 126 (found, but cannot be executed) or
// 125 (no process could be made). All signals stay blocked afterwards: the caller exits.
[[nodiscard]] int run_entrypoint(const Options& options);

} // namespace mi::daemon
