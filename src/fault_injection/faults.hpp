// Faults of our own, committed on purpose: how tests try the way from a crash to the program that goes on. The shipped
// program has none of this folder: see daemon/fault_injection.hpp.
#pragma once

#include <string_view>

namespace mi::fault_injection {

// Clients of the control socket ask for one by this method: {"method": …, "parameters": {"kind": "segv"}}. No interface
// describes it, and the shipped program does not know it.
inline constexpr std::string_view method = "org.miniinit.Manager.Crash";

// A fault, and what it is called: segv, bus, ill, fpe, abort, assert, bad-alloc, stack-overflow, exception.
struct Kind {
    std::string_view name;
    void (*commit)();
};

// Null: there is none of that name.
[[nodiscard]] const Kind* kind_named(std::string_view name);

// Commits the fault of that name. Returns only if there is none.
void commit_fault(std::string_view name);

} // namespace mi::fault_injection
