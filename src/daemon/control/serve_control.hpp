// The control server, made when all parts of PID 1 are there.
#pragma once

#include "state/snapshot.hpp"

namespace mi::daemon {

class Manager;
struct Parts;

// Serves control calls from now on, with the listening socket and the clients of the program before us, where there was one (`before`).
// Where no server can be made it is said, and PID 1 works without one.
void serve_control(Parts& parts, Manager& manager, state::Snapshot* before);

} // namespace mi::daemon
