// The executor: a program of some kilobytes without a C library. PID 1 keeps it in sealed memory, and executes it in a
// new process before any step that makes the process differ from PID 1. It finds its orders at the end of its
// arguments, performs them in its own memory, and executes the service's program; on failure it writes the reason to
// its report descriptor.
//
// os/spawn/spawn.cpp argues why it is needed.
#include "os/spawn/steps.hpp"

namespace {

alignas(16) char block[mi::os::most_orders];

} // namespace

// `stack` as the kernel prepares it for a new program: the argument count, the arguments, a null, the environment, a
// null.
extern "C" [[noreturn]] void start_executor(long* stack) {
    char** arguments = reinterpret_cast<char**>(stack + 1);
    mi::os::execute_orders(stack[0], arguments, arguments + stack[0] + 1, block);
}
