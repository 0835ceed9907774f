// Enumerations that exist only in saved state. Their numbers stand with all others in numbers.hpp.
#pragma once

#include <cstdint>

namespace mi::state {

// What an item is.
enum class Tag : std::uint8_t { manager, unit, process, stream, client, effect, exit, spawn, done };

// What a client of the control socket waits for. `events`: it has subscribed. All others end with their answer.
enum class Goal : std::uint8_t { events, start, stop, restart, reload, isolate, state, end, reexec, switch_root };

} // namespace mi::state
