// The text of a unit as `minictl run` makes it, from a command, where it was called, and properties: TOML that the reader of
// units reads like any file, so that a property means, and is refused, as it would be there.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mi::ctl {

struct TransientUnit {
    std::vector<std::string> command;
    std::string directory;                                        // empty: the clean context's
    std::string umask;                                            // octal; empty: the clean context's
    std::vector<std::pair<std::string, std::string>> environment; // besides what every service gets
    std::vector<std::string> properties; // "SECTION.KEY=VALUE", or "KEY=VALUE" for the unit's own keys
};

// The error is one line: which property is no property at all.
[[nodiscard]] std::expected<std::string, std::string> unit_text(const TransientUnit& unit);

// `text` as a TOML string in which nothing is expanded.
[[nodiscard]] std::string toml_string(std::string_view text);
// Whether it can stand in a TOML text: valid UTF-8 without NUL.
[[nodiscard]] bool can_be_text(std::string_view text);

} // namespace mi::ctl
