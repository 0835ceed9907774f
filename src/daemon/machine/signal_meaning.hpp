// What signals mean to an init.
#pragma once

#include "core/event.hpp"

namespace mi::daemon {

// The ending that `signal` asks for, of a machine's init or of a container's or user's; none: it asks for something else.
[[nodiscard]] core::Ending ending_meant(int signal, bool machine);

} // namespace mi::daemon
