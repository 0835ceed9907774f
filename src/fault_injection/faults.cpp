#include "fault_injection/faults.hpp"

#include "base/unreachable.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <new>
#include <string>

namespace mi::fault_injection {

namespace {

volatile int zero = 0; // the compiler does not know that it is

// Each call has room of its own that is used, so that no compiler makes a loop of it; and to one it has an end.
[[gnu::noinline]] int descend(volatile char* above) {
    volatile char room[4096];
    room[0] = *above;
    return room[0] == 0 ? 0 : descend(room) + room[0];
}

// No sanitizer says anything of it before it happens.
__attribute__((no_sanitize("undefined"))) void divide(volatile int& divisor) { divisor = 100 / divisor; }

void write_to_nowhere() { *reinterpret_cast<volatile int*>(0x10 + zero) = 1; }

// Reads a page of a file that has none.
void read_past_the_end() {
    const int empty = ::memfd_create("empty", MFD_CLOEXEC);
    void* const page = ::mmap(nullptr, 1, PROT_READ, MAP_SHARED, empty, 0);
    zero = *static_cast<volatile char*>(page);
}

void divide_by_zero() {
    divide(zero);
    std::raise(SIGFPE); // for processors that divide by everything
}

void ask_for_too_much() {
    ::operator delete(::operator new(static_cast<std::size_t>(-1) / 4 + static_cast<std::size_t>(zero)));
}

void overflow_the_stack() {
    char first = 1;
    zero = descend(&first);
}

void throw_an_exception() { zero = std::string().at(1 + static_cast<std::size_t>(zero)); }

constexpr Kind kinds[] = {
    {"segv", write_to_nowhere},        {"bus", read_past_the_end},
    {"ill", [] { __builtin_trap(); }}, {"fpe", divide_by_zero},
    {"abort", [] { std::abort(); }},   {"assert", [] { unreachable("as it was asked for"); }},
    {"bad-alloc", ask_for_too_much},   {"stack-overflow", overflow_the_stack},
    {"exception", throw_an_exception},
};

} // namespace

const Kind* kind_named(std::string_view name) {
    const auto at = std::ranges::find(kinds, name, &Kind::name);
    return at == std::end(kinds) ? nullptr : at;
}

void commit_fault(std::string_view name) {
    if (const Kind* kind = kind_named(name))
        kind->commit();
}

} // namespace mi::fault_injection
