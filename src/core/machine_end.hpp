// How a power-off ends the machine: `miniinit.end=` on the kernel command line, `[manager] end`. Virtual machines offer
// different ways, and some offer none.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mi::core {

struct MachineEnd {
    enum class Kind : std::uint8_t { automatic, poweroff, reboot, halt, isa_debug_exit, pvpanic };
    static constexpr std::uint16_t usual_port = 0x501; // the default port of QEMU's isa-debug-exit
    Kind kind = Kind::automatic;
    std::uint16_t port = usual_port; // of isa_debug_exit
    bool operator==(const MachineEnd&) const = default;
};

// All forms that parse_machine_end() accepts, for messages and help.
inline constexpr std::string_view machine_ends = "auto, poweroff, reboot, halt, isa-debug-exit[:PORT] or pvpanic";

// Parses one of `machine_ends`; nullopt: it is none. A port is a number, in hexadecimal after "0x".
[[nodiscard]] std::optional<MachineEnd> parse_machine_end(std::string_view text);

} // namespace mi::core
