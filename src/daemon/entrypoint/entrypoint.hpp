// Container mode with one command and no units: `miniinit -- COMMAND`, as an ENTRYPOINT has it. One process, no collector,
// no socket, no file, no event loop. With units present startup.hpp does this work instead. A crash of ours is not the
// end of COMMAND: the program runs again, as the same process, and knows what it has to from a page of memory.
#pragma once

#include "daemon/options.hpp"

#include <span>

namespace mi::daemon {

// Runs `options.command` as the main process, hands every signal on to it, reaps every orphan, and ends what it left
// behind; or goes on with one that the program before us has left in `options.resume_fd`. `arguments` are what we were
// started with. Gives the exit code for us: the command's own, 128 + signal, 127 (not found), 126 (found, but cannot be
// executed) or 125 (no process could be made). All signals stay blocked afterwards: the caller exits.
[[nodiscard]] int run_entrypoint(const Options& options, std::span<char* const> arguments);

// Whether it was an entrypoint that has left this state.
[[nodiscard]] bool is_entrypoint_state(int memory);

} // namespace mi::daemon
