// The steps of PID 1's life after its parts are made, in this order: open, restore or begin, serve control calls, live.
#pragma once

#include "daemon/machine/shutdown.hpp"

#include <memory>
#include <string>
#include <vector>

namespace mi::daemon {

class ControlServer;
struct Observer;
struct Parts;

// Opens what can be opened, or takes it over from the program before this one; what cannot is said, and done without.
void open(Parts& parts);
// In another root: its units are read as if they had been read again, and what runs goes on, whatever they say of it.
void settle_in(Parts& parts);
// From now on there are clients, and this is who answers them.
void serve(Parts& parts, std::unique_ptr<ControlServer> control, Observer& observer);
// Asks for these units, where no target says what is to run, and runs until all is over.
[[nodiscard]] Shutdown::Outcome live(Parts& parts, const std::vector<std::string>& wanted);

} // namespace mi::daemon
