#include "os/machine/virtual_machine.hpp"

#include "base/directory.hpp"
#include "base/fd.hpp"
#include "os/file/runtime.hpp"

#include <fcntl.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <sys/io.h>
#endif
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mi::os {

namespace {

// From QEMU's docs/specs/pvpanic.rst.
constexpr unsigned char panicked = 1, shutdown_begins = 4;
constexpr std::uint16_t pvpanic_port = 0x505;
constexpr std::string_view pvpanic_vendor = "0x1b36", pvpanic_device = "0x0011";

// The event for an end with `code`, if it is among the `known` events of the device; 0: it is not.
unsigned char event_for(int code, unsigned char known) { return (code != 0 ? panicked : shutdown_begins) & known; }

Result<> told(unsigned char event) {
    if (event == 0)
        return fault(0, "tell pvpanic: it has no word for this end");
    return {};
}

// Maps the device's registers on the PCI bus; MAP_FAILED: there is no device.
void* map_pvpanic() {
    const std::string bus = "/sys/bus/pci/devices/";
    const auto devices = list_directory(bus);
    if (!devices)
        return MAP_FAILED;
    for (const DirectoryEntry& entry : *devices) {
        const std::string device = bus + entry.name;
        if (!read_file(device + "/vendor").value_or("").starts_with(pvpanic_vendor) ||
            !read_file(device + "/device").value_or("").starts_with(pvpanic_device))
            continue;
        if (Fd enable{::open((device + "/enable").c_str(), O_WRONLY | O_CLOEXEC)}; enable) {
            // Fails if a driver has enabled it already.
            [[maybe_unused]] const ssize_t done = ::write(enable.get(), "1", 1);
        }
        const Fd registers(::open((device + "/resource0").c_str(), O_RDWR | O_CLOEXEC));
        return registers ? ::mmap(nullptr, static_cast<std::size_t>(::getpagesize()), PROT_READ | PROT_WRITE,
                                  MAP_SHARED, registers.get(), 0)
                         : MAP_FAILED;
    }
    return MAP_FAILED;
}

} // namespace

bool in_virtual_machine() {
#if defined(__x86_64__) || defined(__i386__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned hypervisor = 1u << 31;
    return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & hypervisor) != 0;
#else
    if (::access("/sys/firmware/devicetree/base/hypervisor", F_OK) == 0)
        return true;
    const std::string machine = read_file("/sys/firmware/devicetree/base/compatible").value_or("") +
                                read_file("/sys/class/dmi/id/sys_vendor").value_or("");
    for (const char* name : {"dummy-virt", "riscv-virtio", "QEMU", "Google", "Amazon EC2", "VMware", "Xen"})
        if (machine.find(name) != std::string::npos)
            return true;
    return false;
#endif
}

bool tables_power_off(std::string_view dsdt, std::string_view fadt) {
    constexpr std::size_t flags = 112, sleep_control = 248, sleep_status = 260; // offsets in the table FADT (ACPI 5.0)
    constexpr std::uint32_t hardware_reduced = 1u << 20;
    if (dsdt.find("_S5_") == std::string_view::npos)
        return false;
    std::uint32_t bits = 0;
    if (fadt.size() >= flags + sizeof bits)
        std::memcpy(&bits, fadt.data() + flags, sizeof bits);
    if ((bits & hardware_reduced) == 0)
        return true;
    std::uint64_t control = 0, status = 0;
    if (fadt.size() >= sleep_status + sizeof status) {
        std::memcpy(&control, fadt.data() + sleep_control, sizeof control);
        std::memcpy(&status, fadt.data() + sleep_status, sizeof status);
    }
    return control != 0 && status != 0;
}

bool can_power_off(const std::string& acpi) {
#if defined(__x86_64__) || defined(__i386__)
    if (::access("/sys/hypervisor/type", F_OK) == 0)
        return true; // Xen has its own way
    auto dsdt = read_file(acpi + "/tables/DSDT", 4 << 20);
    if (!dsdt)
        return false;
    // If ACPI cannot do it, the kernel asks the EFI firmware.
    return ::access("/sys/firmware/efi", F_OK) == 0 ||
           tables_power_off(*dsdt, read_file(acpi + "/tables/FACP").value_or(""));
#else
    (void)acpi;
    return true;
#endif
}

Result<> debug_exit(std::uint16_t port, int code) {
#if defined(__x86_64__) || defined(__i386__)
    if (::ioperm(port, 1, 1) != 0)
        return fault(errno, "use the port of isa-debug-exit");
    ::outb(static_cast<unsigned char>(code), port);
    return fault(0, "end this virtual machine: nothing listens at the port of isa-debug-exit");
#else
    (void)port, (void)code;
    return fault(ENOSYS, "use the port of isa-debug-exit");
#endif
}

Result<> tell_pvpanic(int code) {
    if (void* page = map_pvpanic(); page != MAP_FAILED) {
        volatile auto* device = static_cast<volatile unsigned char*>(page);
        const unsigned char event = event_for(code, *device);
        if (event != 0)
            *device = event;
        return told(event);
    }
#if defined(__x86_64__) || defined(__i386__)
    if (::ioperm(pvpanic_port, 1, 1) != 0)
        return fault(errno, "use the port of pvpanic");
    // 0xff: no device answers at this port.
    if (const unsigned char known = ::inb(pvpanic_port); known != 0xff && known != 0) {
        const unsigned char event = event_for(code, known);
        if (event != 0)
            ::outb(event, pvpanic_port);
        return told(event);
    }
#endif
    return fault(ENODEV, "find the device pvpanic");
}

} // namespace mi::os
