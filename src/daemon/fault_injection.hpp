// Fault injection: the init of the tests fails when it is asked to, and can be told to keep no state. In the shipped program
// these two functions come from daemon/no_fault_injection.cpp and do nothing. `miniinit-faults` (the CMake option
// MINIINIT_FAULTS) is linked from the same objects, with src/fault_injection/ in place of that file: in everything else the
// program that tests crash is the one that is shipped.
#pragma once

#include <string_view>

namespace mi::daemon {

// Commits a fault if `message` asks for one; it comes from a client that may act, and is not yet parsed. In the shipped
// program it does nothing.
void inject_fault(std::string_view message);

// True if our state is to outlive a crash. Always true in the shipped program.
[[nodiscard]] bool keeps_state();

} // namespace mi::daemon
