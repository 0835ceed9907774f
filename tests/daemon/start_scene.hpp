// What ParkedStarts does for a start, without waiting.
#pragma once

#include "daemon/start/start_files.hpp"

namespace mi::daemon {

inline std::expected<StartFiles, NoStart> files_anyway(const core::Unit& unit, bool entry,
                                                       const Surroundings& surroundings) {
    const core::Command& command = unit.service.command;
    auto ask = [&](const StartFiles* found) {
        auto questions = questions_for_start(unit, command, entry, surroundings, found);
        return files_for_start(unit, command, os::answer_anyway(questions), found);
    };
    auto said = ask(nullptr);
    if (said && said->again) {
        const StartFiles found = said->found;
        said = ask(&found);
    }
    if (!said)
        return std::unexpected(said.error());
    return said->found;
}

} // namespace mi::daemon
