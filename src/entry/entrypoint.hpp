// Container mode with one command and no units: `miniinit -- COMMAND`, as in an ENTRYPOINT. One process, no collector,
// no socket, no file, no event loop. With units the room daemon does this instead. COMMAND survives a crash of ours:
// the program runs again in the same process, and finds its state in a page of memory.
#pragma once

#include "base/time.hpp"

#include <sys/types.h>

#include <bitset>
#include <optional>
#include <span>
#include <vector>

namespace mi::entry {

// `-r FROM:TO`: for each signal FROM, sends TO to COMMAND; TO 0: sends nothing.
struct SignalRewrite {
    int from = 0;
    int to = 0;
    bool operator==(const SignalRewrite&) const = default;
};

// The user and groups of COMMAND, if they are not our own.
struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

// The command line options for COMMAND. With units, daemon's start-up turns them into a unit's settings.
struct CommandOptions {
    Span grace = std::chrono::seconds(5); // --grace: time between TERM and KILL for processes that COMMAND left behind
    bool group = false;                   // -g: send signals to COMMAND's whole process group
    std::vector<SignalRewrite> rewrites;  // -r, in the given order: the last one for a signal counts
    std::bitset<256> success_exits;       // -e: exit codes that become 0
    std::bitset<256> restart_on;          // --restart-on: signals at which COMMAND is stopped and started again
    int parent_death_signal = 0;          // -p: the signal that we get when our parent dies; 0: none
    int resume_fd = -1;                   // --resume FD: the state from before a re-exec or a crash; internal
    std::optional<Identity> identity;     // only of a command on the kernel command line
    // COMMAND and its arguments: the end of argv, so that `command.data()` ends with a null pointer as execve(2)
    // requires.
    std::span<char* const> command;
};

// Runs `options.command` as the main process, passes every signal on to it, reaps every orphan, and at the end kills
// the remaining processes; or continues with the COMMAND of a previous image, from `options.resume_fd`. `arguments` are
// our own. Returns our exit code: that of the command, 128 + signal, 127 (not found), 126 (found, but cannot be
// executed) or 125 (no process could be made). All signals stay blocked afterwards: the caller must exit.
[[nodiscard]] int run_entrypoint(const CommandOptions& options, std::span<char* const> arguments);

// Whether this state was saved by an entrypoint.
[[nodiscard]] bool is_entrypoint_state(int memory);

} // namespace mi::entry
