// Sends signals to the processes that COMMAND left behind: to all others in a PID namespace of our own, elsewhere to
// our descendants. entrypoint.cpp decides when, and reaps them.
#pragma once

#include <sys/types.h>

namespace mi::entry {

// Sends `signal` to every other process of the PID namespace if we are its PID 1; else to every descendant in /proc;
// without a /proc of our own namespace, only to the process group `group`.
void signal_leftovers(int signal, pid_t group);
// The same for those only that come from us: not for what others have brought into our PID namespace (`docker exec`).
void signal_descendants(int signal, pid_t group);

} // namespace mi::entry
