// The log collector as a program, and what PID 1 has to keep for it. How PID 1 talks to it is wire/log_protocol.hpp's.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

namespace mi::logd {

// What outlives every collector, because PID 1 holds it: a small shared memory that says what was in flight, and both
// ends of the pipe in which that lies. Every collector is started with the same estate and finishes what the last one
// began. Two at a time would destroy each other's work: start the next one only once the last one has been reaped.
struct Estate {
    Fd memory;       // a sealed memfd; pages are used only as needed
    Fd holding_read; // one pipe, kept empty between batches
    Fd holding_write;
};

// A fresh estate: memfd_create(2), pipe2(2). Every descriptor is close-on-exec.
[[nodiscard]] Result<Estate> make_estate();

// Where the collector finds its descriptors when it is executed (nothing else need be open but 0, 1 and 2):
inline constexpr int control_fd = 3;       // its end of the SOCK_SEQPACKET socketpair
inline constexpr int memory_fd = 4;        // Estate::memory
inline constexpr int holding_read_fd = 5;  // Estate::holding_read
inline constexpr int holding_write_fd = 6; // Estate::holding_write
// Where lines are shown with wire::logs::own_output: PID 1's stderr, and its stdout (which earlier versions did not open).
inline constexpr int console_error_fd = 1, console_output_fd = 7;

// How it ends by itself.
inline constexpr int exit_done = 0;   // after Finish, or when PID 1's end of the socket was closed
inline constexpr int exit_usage = 64; // started without those descriptors
// What is in flight cannot be finished (tried many times): start the next one with a new estate. Any other end (a
// signal, a crash) means: the same estate again.
inline constexpr int exit_estate_unusable = 65;

// The collector's main: reads streams and writes files until told to finish. SIGTERM, SIGINT, SIGHUP, SIGQUIT and
// SIGPIPE do not end it: when the collector goes is PID 1's decision. Raises its own RLIMIT_NOFILE to the hard limit.
int run(int argc, char** argv);

} // namespace mi::logd
