// The resource limits (getrlimit(2)) that we were started with. They are meant for our children, and may be very small:
// we raise our own as far as we may, give children the original ones, and report those that are too small for us at
// start-up instead of failing later.
//
// The signals that the kernel sends to a process that reaches a limit (SIGXFSZ, SIGXCPU), or writes to a pipe without a
// reader (SIGPIPE), must not end an init and are no message to a command: see signals_to_survive and is_own_doing.
#pragma once

#include "base/result.hpp"
#include "os/spawn/plan.hpp"

#include <sys/types.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace mi::os {

// Whether one of our own system calls, or our use of time, can cause this signal. (SIGTTIN and SIGTTOU of terminals do
// not belong here: the kernel lets a process that blocks them continue, so one that arrives was caused by another
// process of our group.)
[[nodiscard]] bool is_of_our_limits(int signal);
// Whether the kernel sent this signal, and to us alone; false if it came by kill(2).
[[nodiscard]] bool is_own_doing(int signal, int code, pid_t sender);

// Makes these signals harmless: the system call that caused one still returns its error. Unlike SIG_IGN, an exec'd
// program does not inherit this.
void outlive(std::initializer_list<int> signals);
void outlive_limits();

// Raises the soft limits that would hinder us: to the values we want, or else to the hard limits; with CAP_SYS_RESOURCE
// raises the hard limits, too. Returns the limits that were changed, with their old values, for children.
[[nodiscard]] std::vector<Limit> raise_own_limits();

// As a unit writes it: `nofile = 65536`, `nofile = [1024, "unlimited"]`.
[[nodiscard]] std::string words_of(const Limit& limit);
// The limit that can be set in place of `limit` if that exceeds the kernel's maximum: for open files, fs.nr_open. A
// limit that was "unlimited", or above that maximum, is then applied only up to our own hard limit (Limit::at_most).
[[nodiscard]] Limit reachable(Limit limit);

// The limits that are too small for us to work: each with its value and the least value needed. Empty: all are
// sufficient.
[[nodiscard]] std::vector<std::string> too_small_limits();
// The limits that will end us at some time, in the same form.
[[nodiscard]] std::vector<std::string> dangerous_limits();

} // namespace mi::os
