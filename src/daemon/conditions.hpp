// Whether a unit's conditions hold, here and now.
#pragma once

#include "core/unit.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mi::daemon {

// What conditions ask about besides the file system.
struct Circumstances {
    std::vector<std::string> kernel_words;
    bool container = false;
    bool first_boot = false; // /etc/machine-id was missing or empty when we started
};

// Nothing if all hold; else the first that does not, in words: "path-exists = /sbin/fsck".
[[nodiscard]] std::optional<std::string> unmet(const std::vector<core::Condition>& conditions,
                                               const Circumstances& circumstances);

} // namespace mi::daemon
