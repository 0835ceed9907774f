// Names of address families of sockets (address_families(7)), for `restrict-address-families`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mi {

struct AddressFamily {
    std::string_view name; // "AF_INET6"
    std::uint16_t number;
};

// All that we know, by number.
[[nodiscard]] std::span<const AddressFamily> address_families();

// The number of the family called `name`; nullopt: there is none.
[[nodiscard]] std::optional<std::uint16_t> address_family(std::string_view name);

} // namespace mi
