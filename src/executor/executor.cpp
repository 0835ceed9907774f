// The executor: a program of some kilobytes, without a C library, that PID 1 keeps in sealed memory and executes in a new process
// before anything is done there that differs from PID 1 itself. It finds its orders at the end of its arguments, carries
// them out in memory of its own, and becomes the service's program; or it writes to its report descriptor why not.
//
// Why it is there is argued in os/spawn/spawn.cpp.
#include "os/spawn/steps.hpp"

namespace {

alignas(16) char block[mi::os::most_orders];

} // namespace

// `stack` as the kernel leaves it to a new program: how many arguments, the arguments, a null, the environment, a null.
extern "C" [[noreturn]] void start_executor(long* stack) {
    char** arguments = reinterpret_cast<char**>(stack + 1);
    mi::os::execute_orders(stack[0], arguments, arguments + stack[0] + 1, block);
}
