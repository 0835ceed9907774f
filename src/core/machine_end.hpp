// How a machine is over when it is to be powered off: `miniinit.end=` on the kernel command line, `[manager] end`. What a
// virtual machine offers for that differs, and some offer nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mi::core {

struct MachineEnd {
    enum class Kind : std::uint8_t { automatic, poweroff, reboot, halt, isa_debug_exit, pvpanic };
    static constexpr std::uint16_t usual_port = 0x501; // where QEMU's isa-debug-exit is if nothing else is said
    Kind kind = Kind::automatic;
    std::uint16_t port = usual_port; // of isa_debug_exit
    bool operator==(const MachineEnd&) const = default;
};

// All that parse_machine_end() takes, for messages and help.
inline constexpr std::string_view machine_ends = "auto, poweroff, reboot, halt, isa-debug-exit[:PORT] or pvpanic";

// A port is a number, in hexadecimal after "0x". Nothing where `text` is none of `machine_ends`.
[[nodiscard]] std::optional<MachineEnd> parse_machine_end(std::string_view text);

} // namespace mi::core
