#include "daemon/machine/faults.hpp"

#include "base/unreachable.hpp"

#include <sys/mman.h>

#include <csignal>
#include <cstdlib>
#include <new>
#include <string>

namespace mi::daemon {

namespace {

// Each call has room of its own that is used, so that no compiler makes a loop of it; and to one it has an end.
[[gnu::noinline]] int descend(volatile char* above) {
    volatile char room[4096];
    room[0] = *above;
    return room[0] == 0 ? 0 : descend(room) + room[0];
}

// No sanitizer says anything of it before it happens.
__attribute__((no_sanitize("undefined"))) void divide(volatile int& zero) { zero = 100 / zero; }

} // namespace

void commit_fault(std::string_view kind) {
    volatile int zero = 0;
    if (kind == "segv") {
        *reinterpret_cast<volatile int*>(0x10 + zero) = 1;
    } else if (kind == "bus") {
        // A page of a file that has none.
        int empty = ::memfd_create("empty", MFD_CLOEXEC);
        void* page = ::mmap(nullptr, 1, PROT_READ, MAP_SHARED, empty, 0);
        zero = *static_cast<volatile char*>(page);
    } else if (kind == "ill") {
        __builtin_trap();
    } else if (kind == "fpe") {
        divide(zero);
        std::raise(SIGFPE); // for processors that divide by everything
    } else if (kind == "abort") {
        std::abort();
    } else if (kind == "assert") {
        unreachable("as it was asked for");
    } else if (kind == "bad-alloc") {
        ::operator delete(::operator new(static_cast<std::size_t>(-1) / 4 + static_cast<std::size_t>(zero)));
    } else if (kind == "stack-overflow") {
        char first = 1;
        zero = descend(&first);
    } else if (kind == "exception") {
        zero = std::string().at(1 + static_cast<std::size_t>(zero));
    }
}

} // namespace mi::daemon
