// The part of TOML in which nearly all units are written, read at a fifth of the library's cost: PID 1 starts its first service
// sooner. Whatever is not plain beyond doubt (a key in quotes or with dots, an escape, a letter beyond ASCII, a date, any mistake)
// is left to the library, which knows the whole language and says what is wrong; a test and a fuzzer hold that both read the same.
#pragma once

#include "config/document.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace mi::config {

// The tree of `text`, file number `file` of a Reading; nothing where the text is not plain.
[[nodiscard]] std::optional<Node> read_plain_toml(std::uint16_t file, std::string_view text);

} // namespace mi::config
