// Builds the text of a unit for `minictl run` from a command, the caller's context, and properties: TOML that the
// reader of units reads like any file, so that a property has the same meaning and checks as there.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mi::ctl {

struct TransientUnit {
    std::vector<std::string> command;
    std::string directory;                                        // empty: that of the clean context
    std::string umask;                                            // octal; empty: that of the clean context
    std::vector<std::pair<std::string, std::string>> environment; // added to the variables of every service
    std::vector<std::string> properties; // "SECTION.KEY=VALUE", or "KEY=VALUE" for the unit's own keys
};

// The error is one line: the first property that is not valid.
[[nodiscard]] std::expected<std::string, std::string> unit_text(const TransientUnit& unit);

// `text` as a TOML string without any expansion.
[[nodiscard]] std::string toml_string(std::string_view text);
// Whether it can be part of a TOML text: valid UTF-8 without NUL.
[[nodiscard]] bool can_be_text(std::string_view text);

} // namespace mi::ctl
