// Capabilities by name and by number, as capabilities(7) has them. Dropping and keeping them is os's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mi {

// A set of capabilities: bit N is number N.
using CapabilitySet = std::uint64_t;

// Every capability, as "CAP_CHOWN", by its number.
[[nodiscard]] std::span<const std::string_view> capability_names();

// The number of a capability: "CAP_KILL", also "cap_kill" and "kill".
[[nodiscard]] std::optional<int> capability_number(std::string_view name);

} // namespace mi
