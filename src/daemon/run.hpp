// The init itself: from the command line to the end of the machine or the container.
#pragma once

namespace mi::daemon {

// The main of `miniinit`. Gives an exit code; on a machine it does not return.
int run(int argc, char** argv);

} // namespace mi::daemon
