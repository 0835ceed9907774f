// The last stage of a machine: nothing left running, nothing mounted writable, then reboot(2).
// Stopping units in their order comes before, and is the engine's business. Whatever can hang is done in a child with
// a time limit, so all of this ends.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

enum class Ending { reboot, poweroff, halt, kexec };

// Takes one line, without its end: the console.
using Say = std::function<void(std::string_view)>;

// TERM (and CONT) to every process but us, `grace` for them to go, then KILL; reaps all of them. Returns what is still
// there: `process 123 (name) in state D, waiting in FUNCTION`.
std::vector<std::string> end_all_processes(Span grace, Span limit, const Say& say);

// Swap off; unmounts, innermost first, again and again while it gets anywhere; detaches loop and device-mapper
// devices; remounts read-only what stays busy, the root included; syncs. Returns what stayed: `mount /x (ext4): Device
// or resource busy`. /proc, /sys, /dev and /run may stay. Takes at most about `limit`.
std::vector<std::string> release_storage(Span limit, const Say& say);

// sync(2) in a child; false if it took longer than `limit`.
bool sync_within(Span limit);

// reboot(2), by PID 1 and nobody else. Returns only if that is refused (or, for kexec, no kernel is loaded: then reboot
// normally).
Result<> end_machine(Ending how);

// The same by whoever may: for a person at a keyboard who says that it must be so, whatever PID 1 does.
Result<> end_machine_by_force(Ending how);

// Replaces our program by a copy of itself in memory, called with `arguments`, so that the root file system is no
// longer used by us. Returns only on failure: then go on where we are (and stay_in_memory()). Descriptors without
// CLOEXEC stay open.
Result<> exec_from_memory(const std::vector<std::string>& arguments);
// Keeps our pages from needing the disk again (mlockall(2)).
Result<> stay_in_memory();

} // namespace mi::os
