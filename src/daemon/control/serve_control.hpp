// The control server of a manager, made when the supervisor is there.
#pragma once

#include "state/snapshot.hpp"

namespace mi::daemon {

class Manager;
struct Parts;

// Serves control calls from now on, with the listening socket and the clients of the program before us, where there was one (`before`).
// Where no server can be made it is said, and the supervisor works without one.
void serve_control(Parts& parts, Manager& manager, state::Snapshot* before);

} // namespace mi::daemon
