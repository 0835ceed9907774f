// Container mode with one command and no units: `miniinit -- COMMAND`, as an ENTRYPOINT has it. One process, no collector,
// no socket, no file, no event loop. With units present the room daemon does this work instead. A crash of ours is not the
// end of COMMAND: the program runs again, as the same process, and knows what it has to from a page of memory.
#pragma once

#include "base/time.hpp"

#include <bitset>
#include <span>
#include <vector>

namespace mi::entry {

// `-r FROM:TO`: where FROM arrives, TO is sent on; 0 sends nothing.
struct SignalRewrite {
    int from = 0;
    int to = 0;
    bool operator==(const SignalRewrite&) const = default;
};

// What the command line says of COMMAND. With units beside it, daemon's start-up does the same by them.
struct CommandOptions {
    Span grace = std::chrono::seconds(5); // --grace: from TERM to KILL for what COMMAND left behind
    bool group = false;                   // -g: signals go to COMMAND's whole process group
    std::vector<SignalRewrite> rewrites;  // -r, in the order given: the last one of a signal counts
    std::bitset<256> success_exits;       // -e: exit codes that become 0
    int parent_death_signal = 0;          // -p: what we get when our parent dies; 0: nothing
    int resume_fd = -1;                   // --resume FD: the state that a re-exec or a crash left; internal
    // COMMAND and its arguments: the end of argv, so that `command.data()` ends with a null pointer as execve(2) wants it.
    std::span<char* const> command;
};

// Runs `options.command` as the main process, hands every signal on to it, reaps every orphan, and ends what it left
// behind; or goes on with one that the program before us has left in `options.resume_fd`. `arguments` are what we were
// started with. Gives the exit code for us: the command's own, 128 + signal, 127 (not found), 126 (found, but cannot be
// executed) or 125 (no process could be made). All signals stay blocked afterwards: the caller exits.
[[nodiscard]] int run_entrypoint(const CommandOptions& options, std::span<char* const> arguments);

// Whether it was an entrypoint that has left this state.
[[nodiscard]] bool is_entrypoint_state(int memory);

} // namespace mi::entry
