// Enumerations that are used only in saved state. Their numbers are in numbers.hpp.
#pragma once

#include <cstdint>

namespace mi::state {

// The kind of an item.
enum class Tag : std::uint8_t { manager, unit, process, stream, client, effect, exit, spawn, done };

// The result that a client of the control socket waits for. `events`: it has subscribed, and waits until it leaves; all
// others end with their reply.
enum class Goal : std::uint8_t { events, start, stop, restart, reload, isolate, state, end, reexec, switch_root };

} // namespace mi::state
