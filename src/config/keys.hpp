// The description of every key: one row each, from which the reader, `minictl show`, the completions and the manual
// page are made. The rows are in keys.cpp; what reads a value that is more than a word or a number is in readers_*.cpp.
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
    std::string_view section;  // "" (top of a unit), "service", "process", "listen", …; "manager", … for miniinit.toml
    std::string_view key;      // "restart-delay"
    std::string_view type;     // "duration", "command", "simple|oneshot|…": a word or the choices
    std::string_view fallback; // the default as TOML, or empty where there is none
    std::string_view help;     // a phrase without a full stop
    // How the reader takes it; one of the two. Of no use to others.
    void (*read)(const Value&, core::Unit&) = nullptr;
    void (*read_manager)(const Value&, core::ManagerSettings&) = nullptr;
};

// Every key of a unit, section by section in the order of the manual.
[[nodiscard]] std::span<const KeyInfo> unit_keys();

// Every key of miniinit.toml besides `[units.*]`: [manager], [log], [defaults].
[[nodiscard]] std::span<const KeyInfo> manager_keys();

// The rows of one section of `keys`; none where there is no such section.
[[nodiscard]] std::span<const KeyInfo> section_of(std::span<const KeyInfo> keys, std::string_view section);

} // namespace mi::config
