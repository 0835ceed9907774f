// What the start of a process needs of files: what its environment files hold, and where its program is. The questions, and
// what follows from their answers, without touching a file (os/file/path_question.hpp does).
#pragma once

#include "core/unit.hpp"
#include "daemon/start/launch.hpp"
#include "os/file/path_question.hpp"

#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mi::daemon {

// The questions for a process of the unit, in one list: its environment files in their order, and last the program, where
// the command is a name that has to be looked for. `entry`, `surroundings`: as for prepare(). `found`, of an earlier round:
// its environment files set another PATH.
[[nodiscard]] std::vector<os::PathQuestion> questions_for_start(const core::Unit& unit, const core::Command& command,
                                                                bool entry, const Surroundings& surroundings,
                                                                const StartFiles* found = nullptr);

// What the answers to those say, or why the start fails. `again`: they are to be asked once more, with `found`: an environment
// file sets PATH, and the program is to be looked for there.
struct StartAnswer {
    StartFiles found;
    bool again = false;
};
[[nodiscard]] std::expected<StartAnswer, NoStart> files_for_start(const core::Unit& unit, const core::Command& command,
                                                                  std::span<const os::PathAnswer> answers,
                                                                  const StartFiles* found = nullptr);

} // namespace mi::daemon
