// Capability names and numbers (capabilities(7)). Dropping and keeping capabilities is done in os.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mi {

// A set of capabilities: bit N is number N.
using CapabilitySet = std::uint64_t;

// The name of every capability, "CAP_CHOWN", indexed by its number.
[[nodiscard]] std::span<const std::string_view> capability_names();

// The number of a capability: "CAP_KILL", also "cap_kill" and "kill". nullopt: there is none of that name.
[[nodiscard]] std::optional<int> capability_number(std::string_view name);

} // namespace mi
