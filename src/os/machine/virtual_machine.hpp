// What a virtual machine offers an init: ways to end that the host sees. Everything here is for PID 1's last stage, and for
// finding out whether this is a virtual machine at all.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mi::os {

// Whether a hypervisor runs this machine: what the processor says on x86, elsewhere the device tree or the firmware.
[[nodiscard]] bool in_virtual_machine();

// Whether the kernel can switch this machine off. One that cannot halts instead, and tells nobody before. On x86 that is what the
// tables of the firmware say (ACPI: a state S5, and where the hardware is the reduced one the registers for it); elsewhere it is
// taken to be so. `acpi`: the directory /sys/firmware/acpi.
[[nodiscard]] bool can_power_off(const std::string& acpi = "/sys/firmware/acpi");
// The same of the tables themselves, DSDT and FADT.
[[nodiscard]] bool tables_power_off(std::string_view dsdt, std::string_view fadt);

// Hands an exit code to whoever runs this virtual machine, which ends with it: QEMU's isa-debug-exit at this port. Returns
// where there is no such device or the processor has no ports. Nothing tells whether the device is there: what is written
// goes to whatever listens.
Result<> debug_exit(std::uint16_t port, int code);

// Tells the host by the device pvpanic, on the ISA or the PCI bus, that this machine has failed (a `code` other than 0), or,
// where the device knows that, that it shuts down. Returns soon after, with a fault where there is no such device or it has no
// word for this end: what the host does about it is its business.
Result<> tell_pvpanic(int code);

} // namespace mi::os
