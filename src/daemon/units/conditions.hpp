// Whether a unit's conditions hold, here and now.
#pragma once

#include "core/unit.hpp"
#include "os/file/path_question.hpp"

#include <span>
#include <string>
#include <vector>

namespace mi::daemon {

// What conditions ask about besides the file system.
struct Circumstances {
    std::vector<std::string> kernel_words;
    bool container = false;
    bool first_boot = false; // /etc/machine-id was missing or empty when we started
};

// What of the file system they ask for. `path`: the directories that a program is looked up in, as in PATH. Programs are not looked
// up any more after a path that is not as it should be.
[[nodiscard]] std::vector<os::PathQuestion> questions_of(const std::vector<core::Condition>& conditions,
                                                         const std::string& path);

// Nothing if all hold; else the first that does not, those about programs last: if it is one of these, the unit lacks nothing else.
// `answers`: to those questions.
[[nodiscard]] const core::Condition* unmet(const std::vector<core::Condition>& conditions,
                                           const Circumstances& circumstances, std::span<const os::PathAnswer> answers);

// In words: "path-exists = /etc/fstab".
[[nodiscard]] std::string words_of(const core::Condition& condition);

} // namespace mi::daemon
