// The limits of getrlimit(2) that we were started with. They are meant for what we start, and may be as small as anything:
// ours are raised as far as we may, children get back what was there, and what is too little for us is said instead of being
// met half-way.
//
// What the kernel sends a process that has reached a limit (SIGXFSZ, SIGXCPU), or that writes where nobody reads (SIGPIPE),
// is neither the end of an init nor a message to a command: see signals_to_survive and is_own_doing.
#pragma once

#include "base/result.hpp"
#include "os/spawn/plan.hpp"

#include <sys/types.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace mi::os {

// What one of our own system calls, or the time we take, may bring upon us. (Terminals' SIGTTIN and SIGTTOU are not among
// them: the kernel lets those who block them do what they want, so one that arrives is about another of our group.)
[[nodiscard]] bool is_of_our_limits(int signal);
// Whether it was the kernel that sent that one, and to us alone; not by kill(2), from wherever.
[[nodiscard]] bool is_own_doing(int signal, int code, pid_t sender);

// Those have no effect any more, but for the error of the call that brought them about. Unlike SIG_IGN this is not
// inherited by what we execute.
void outlive(std::initializer_list<int> signals);
void outlive_limits();

// Raises the soft limits that would be in our way to what we want, or else to the hard ones; with CAP_SYS_RESOURCE those, too.
// What was changed, as it was before: for children.
[[nodiscard]] std::vector<Limit> raise_own_limits();

// As it is written in a unit: `nofile = 65536`, `nofile = [1024, "unlimited"]`.
[[nodiscard]] std::string words_of(const Limit& limit);
// What can be set in its place, where it is more than the kernel knows: of open files, fs.nr_open is the most. What was not a
// number, or more than that, is met as far as our own hard limit allows it (Limit::at_most).
[[nodiscard]] Limit reachable(Limit limit);

// What we cannot work with: the limit, what it is and what would do. Empty: there is enough of everything.
[[nodiscard]] std::vector<std::string> too_small_limits();
// What will end us some time, in the same words.
[[nodiscard]] std::vector<std::string> dangerous_limits();

} // namespace mi::os
