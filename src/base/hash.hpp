// FNV-1a with 64 bits: the same on every machine and in every version, so that what is made of it may be written down.
// It is no defence against somebody who chooses what is hashed.
#pragma once

#include <cstdint>
#include <string_view>

namespace mi {

constexpr std::uint64_t fnv_basis = 0xcbf29ce484222325;

// `hash` with one more value.
[[nodiscard]] constexpr std::uint64_t fnv_step(std::uint64_t hash, std::uint64_t value) {
    return (hash ^ value) * 0x100000001b3;
}

// `hash` with all bytes of `bytes`.
[[nodiscard]] constexpr std::uint64_t fnv(std::string_view bytes, std::uint64_t hash = fnv_basis) {
    for (const char byte : bytes)
        hash = fnv_step(hash, static_cast<unsigned char>(byte));
    return hash;
}

} // namespace mi
