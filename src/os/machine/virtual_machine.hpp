// Detects a virtual machine, and ends it in ways that its host can see. Only for PID 1: detection at any time, the rest
// in the last stage.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mi::os {

// Whether a hypervisor runs this machine, according to the processor on x86, elsewhere to the device tree or the
// firmware.
[[nodiscard]] bool in_virtual_machine();

// Whether the kernel can switch this machine off; if not, it halts without a warning. On x86 the firmware's tables
// decide (ACPI: the state S5, and on reduced hardware the registers for it); elsewhere this is assumed. `acpi`: the
// directory /sys/firmware/acpi.
[[nodiscard]] bool can_power_off(const std::string& acpi = "/sys/firmware/acpi");
// The same from the contents of the tables DSDT and FADT.
[[nodiscard]] bool tables_power_off(std::string_view dsdt, std::string_view fadt);

// Writes an exit code to QEMU's isa-debug-exit device at this I/O port, which ends the virtual machine with it. Returns
// if there is no such device or the processor has no I/O ports. The device cannot be detected: any other device at that
// port receives the write.
Result<> debug_exit(std::uint16_t port, int code);

// Tells the host through the pvpanic device (on the ISA or PCI bus) that this machine has failed (`code` is not 0) or,
// if the device knows this event, that it shuts down. The host decides the reaction. Returns soon after; a fault if
// there is no such device, or it does not know the event.
Result<> tell_pvpanic(int code);

} // namespace mi::os
