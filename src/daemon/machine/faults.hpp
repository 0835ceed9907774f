// Faults of our own, on request: how the way from a crash to the next image is tested with the program itself.
#pragma once

#include <string_view>

namespace mi::daemon {

// Commits the fault: segv, bus, ill, fpe, abort, assert, bad-alloc, stack-overflow, exception. Returns only where there is
// none of that name.
void commit_fault(std::string_view kind);

} // namespace mi::daemon
