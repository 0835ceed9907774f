// The executor: a program of some kilobytes, without a C library, that PID 1 keeps in sealed memory and executes in a new process
// before anything is done there that differs from PID 1 itself. It finds its orders at the end of its arguments, carries
// them out in memory of its own, and becomes the service's program; or it writes to its report descriptor why not.
//
// Why it is there is argued in os/spawn/spawn.cpp.
#include "os/spawn/orders_text.hpp"
#include "os/spawn/steps.hpp"

namespace {

// What the orders are unpacked into: so that the arguments can be wiped, and nobody finds them in `ps`.
alignas(16) char block[mi::os::most_orders];
mi::os::Report report;

// The number behind the mark; 0: this is no mark.
unsigned pieces_said_by(const char* word) {
    unsigned i = 0;
    for (; mi::os::orders_mark[i] != '\0'; ++i)
        if (word[i] != mi::os::orders_mark[i])
            return 0;
    const unsigned number = static_cast<unsigned char>(word[i]) - '0';
    return word[i + 1] == '\0' && number <= mi::os::most_pieces ? number : 0;
}

// The orders at the end of the arguments, which end before them afterwards. False: there are none.
bool unpack(long count, char** arguments) {
    const unsigned pieces = count < 2 ? 0 : pieces_said_by(arguments[count - 1]);
    if (pieces == 0 || static_cast<long>(pieces) + 1 >= count)
        return false;
    char** first = arguments + count - 1 - pieces;
    unsigned long got = 0;
    for (char** piece = first; piece < arguments + count - 1; ++piece) {
        const long more = mi::os::unstuff(*piece, block + got, sizeof block - got);
        if (more < 0)
            return false;
        got += static_cast<unsigned long>(more);
    }
    for (char** word = first; word < arguments + count; ++word)
        for (unsigned length = mi::os::length_of(*word), i = 0; i < length; ++i)
            (*word)[i] = '\0';
    *first = nullptr;
    return got >= sizeof(mi::os::Orders) && reinterpret_cast<mi::os::Orders*>(block)->size == got;
}

} // namespace

// `stack` as the kernel leaves it to a new program: how many arguments, the arguments, a null, the environment, a null.
extern "C" [[noreturn]] void execute_orders(long* stack) {
    const long count = stack[0];
    char** arguments = reinterpret_cast<char**>(stack + 1);
    if (!unpack(count, arguments))
        mi::os::leave(127);
    auto* orders = reinterpret_cast<mi::os::Orders*>(block);
    const mi::os::Child child{.orders = orders,
                              .arguments = arguments,
                              .environment = arguments + count + 1,
                              .report = &report,
                              .tells_progress = orders->progress >= 0};
    mi::os::carry_out(child);
    if (orders->report >= 0)
        mi::os::call(SYS_write, orders->report, &report, sizeof report);
    mi::os::leave(127);
}
