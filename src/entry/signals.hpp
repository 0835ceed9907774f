// Receives signals one at a time, all 64 of them. The C library removes 32 and 33 from its sigset_t, but a COMMAND with
// another C library may use them, so this makes the system calls directly. For a process with one thread and no event
// loop.
#pragma once

#include <csignal>
#include <cstdint>
#include <initializer_list>

#include "base/fd.hpp"
#include "base/time.hpp"

namespace mi::entry {

// A set of signals in the kernel's form: bit N-1 is signal N.
struct SignalSet {
    std::uint64_t bits = 0;
};
constexpr SignalSet every_signal{~std::uint64_t{0}};
constexpr SignalSet no_signal{0};
constexpr SignalSet only(int signal) { return {std::uint64_t{1} << (signal - 1)}; }
constexpr SignalSet operator-(SignalSet a, SignalSet b) { return {a.bits & ~b.bits}; }

// Blocks exactly `set` in this thread (sigprocmask(2), which cannot fail here).
void block_signals(SignalSet set);

// Resets signals that we inherited as ignored to their default action: an ignored SIGCHLD would discard the exits of
// our children, and our children would inherit it. Does not touch other signals, so no pending one is lost.
void stop_ignoring_signals();

// Whether `signal` is pending.
[[nodiscard]] bool signal_waits(int signal);

// Waits for the next signal, with its details in `about`; 0: none came until `deadline` (CLOCK_MONOTONIC; `never`:
// waits without limit). All signals must be blocked.
[[nodiscard]] int next_signal(Instant deadline, siginfo_t& about);

// The same in two steps, for a caller that also waits for other descriptors: first a descriptor (non-blocking, CLOEXEC)
// from which blocked signals can be read (signalfd(2)), empty if there is none; then the next signal from it, 0: there
// is none.
[[nodiscard]] Fd signals_to_read();
[[nodiscard]] int read_signal(int descriptor, siginfo_t& about);
// Waits until one of the descriptors is readable. False: none is until `deadline`.
[[nodiscard]] bool wait_readable(std::initializer_list<int> descriptors, Instant deadline);

} // namespace mi::entry
