// The description of every key in one row; the reader, `minictl show`, the completions and the manual page use these
// rows. The rows are in keys.cpp; the functions that read special values are in readers_*.cpp.
#pragma once

#include <span>
#include <string_view>

namespace mi::core {
struct Unit;
struct ManagerSettings;
} // namespace mi::core

namespace mi::config {

class Value;

struct KeyInfo {
    std::string_view section;  // "" (top of a unit), "service", "process", "listen", …; for miniinit.toml "manager", …
    std::string_view key;      // "restart-delay"
    std::string_view type;     // "duration", "command", "simple|oneshot|…": one word, or the choices
    std::string_view fallback; // the default as TOML; empty: there is none
    std::string_view help;     // a phrase without a full stop
    // The function that reads the value; one of the two is set. Only for the reader.
    void (*read)(const Value&, core::Unit&) = nullptr;
    void (*read_manager)(const Value&, core::ManagerSettings&) = nullptr;
};

// Every key of a unit, section by section in the order of the manual.
[[nodiscard]] std::span<const KeyInfo> unit_keys();

// Every key of miniinit.toml except `[units.*]`: [manager], [log], [defaults].
[[nodiscard]] std::span<const KeyInfo> manager_keys();

// The rows of one section of `keys`; empty if there is no such section.
[[nodiscard]] std::span<const KeyInfo> section_of(std::span<const KeyInfo> keys, std::string_view section);

} // namespace mi::config
