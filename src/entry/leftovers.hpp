// Signalling whatever a COMMAND left behind: in a PID namespace of our own everybody, elsewhere our descendants.
// When to do so, and collecting them afterwards, is entrypoint.cpp's.
#pragma once

#include <sys/types.h>

namespace mi::entry {

// Sends `signal` to every other process of the PID namespace if we are its PID 1; else to every descendant that /proc
// shows, and without a /proc of our own namespace to the process group `group` only.
void signal_leftovers(int signal, pid_t group);

} // namespace mi::entry
