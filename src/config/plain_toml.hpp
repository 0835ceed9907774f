// Reads the part of TOML in which nearly all units are written, in a fifth of the library's time, so that PID 1 starts
// its first service sooner. Any text that is not certainly plain (a key in quotes or with dots, an escape, a letter
// outside ASCII, a date, any mistake) is left to the library, which knows the whole language and reports errors; a test
// and a fuzzer check that both give the same result.
#pragma once

#include "config/document.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace mi::config {

// The tree of `text`, file number `file` of a Reading; nullopt if the text is not plain.
[[nodiscard]] std::optional<Node> read_plain_toml(std::uint16_t file, std::string_view text);

} // namespace mi::config
