// The state of network interfaces and addresses of our network namespace, and word of their changes: netdevice(7), rtnetlink(7).
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace mi::os {

// Readable when an interface or an address may have changed.
[[nodiscard]] Result<Fd> open_network_changes();
// The same for the kernel's devices: its uevents, kobject_uevent(9).
[[nodiscard]] Result<Fd> open_device_changes();
// Reads what one of these has; true: there was something, if only that messages were lost.
[[nodiscard]] bool take_messages(int fd);

// What keeps the interface from being up with a carrier; empty: it is.
[[nodiscard]] std::string interface_fault(const std::string& name);

// An address of the machine that can be used: no IPv6 address that is still being tried, or that another machine has.
struct LocalAddress {
    std::vector<unsigned char> bytes; // 4 or 16
    bool reachable = false;           // from other machines: no loopback, no link-local one
};
[[nodiscard]] Result<std::vector<LocalAddress>> local_addresses();
// Whether one of them is that address, or for "any" a reachable one.
[[nodiscard]] bool has_address(const std::vector<LocalAddress>& addresses, const std::string& wanted);

} // namespace mi::os
