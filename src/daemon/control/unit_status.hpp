// A unit's record and file as what is told of it.
#pragma once

#include "wire/messages.hpp"

#include <cstdint>

namespace mi::daemon {

struct Parts;

// How much is told of a unit: what costs nothing, what it uses besides, or everything.
enum class Detail : std::uint8_t { plain, usage, all };

[[nodiscard]] wire::UnitStatus status_of(const Parts& parts, core::UnitId unit, Detail detail);

} // namespace mi::daemon
