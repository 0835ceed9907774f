// Whether a unit's conditions hold, here and now.
#pragma once

#include "core/unit.hpp"
#include "os/file/path_question.hpp"

#include <optional>
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

// What of the file system they ask for.
[[nodiscard]] std::vector<os::PathQuestion> questions_of(const std::vector<core::Condition>& conditions);

// Nothing if all hold; else the first that does not, in words: "path-exists = /sbin/fsck". `answers`: to those questions.
[[nodiscard]] std::optional<std::string> unmet(const std::vector<core::Condition>& conditions,
                                               const Circumstances& circumstances,
                                               std::span<const os::PathAnswer> answers);

} // namespace mi::daemon
