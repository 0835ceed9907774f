// Taking signals one at a time, all 64 of them: the C library keeps 32 and 33 out of its sigset_t, but a COMMAND of another
// C library may use them, so this speaks to the kernel itself. For a process with one thread and no event loop.
#pragma once

#include <csignal>
#include <cstdint>
#include <initializer_list>

#include "base/fd.hpp"
#include "base/time.hpp"

namespace mi::entry {

// A set of signals as the kernel has it: bit N-1 is signal N.
struct SignalSet {
    std::uint64_t bits = 0;
};
constexpr SignalSet every_signal{~std::uint64_t{0}};
constexpr SignalSet no_signal{0};
constexpr SignalSet only(int signal) { return {std::uint64_t{1} << (signal - 1)}; }
constexpr SignalSet operator-(SignalSet a, SignalSet b) { return {a.bits & ~b.bits}; }

// Blocks exactly `set` in this thread (sigprocmask(2), which cannot fail here).
void block_signals(SignalSet set);

// Gives back their default action to signals that whoever started us left ignored: an ignored SIGCHLD would take our
// children's exits away, and everything we start inherits it. Others are not touched, so none that is pending gets lost.
void stop_ignoring_signals();

// Whether `signal` has arrived and waits, blocked.
[[nodiscard]] bool signal_waits(int signal);

// The next signal, with what the kernel says of it in `about`; 0 where none came until `deadline` (CLOCK_MONOTONIC; `never`
// waits for good). All signals must be blocked.
[[nodiscard]] int next_signal(Instant deadline, siginfo_t& about);

// The same in two steps, for one who waits for something else, too: a descriptor (non-blocking, CLOEXEC) that all signals can be
// read from as long as they are blocked; none where there is no such thing. The next signal from it, 0: there is none.
[[nodiscard]] Fd signals_to_read();
[[nodiscard]] int read_signal(int descriptor, siginfo_t& about);
// Waits until one of them can be read. False: not until `deadline`.
[[nodiscard]] bool wait_readable(std::initializer_list<int> descriptors, Instant deadline);

} // namespace mi::entry
