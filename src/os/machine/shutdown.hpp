// The last stage of a machine: nothing left running, nothing mounted writable, then reboot(2).
// Stopping units in their order comes before, and is the engine's business; what is stored is release.hpp's. Whatever can
// hang is done in a child with a time limit, so all of this ends.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <sys/types.h>

#include <cstdint>
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

// The same but for processes that are to live on, asked for again and again as they may make others. Collects nobody: whoever
// knows those has to.
std::vector<std::string> end_other_processes(const std::function<bool(pid_t)>& lives_on, Span grace, Span limit,
                                             const Say& say);

// sync(2) in a child; false if it took longer than `limit`.
bool sync_within(Span limit);

// reboot(2), by PID 1 and nobody else. Returns only if that is refused (or, for kexec, no kernel is loaded: then reboot
// normally).
Result<> end_machine(Ending how);

// Writes `text` to `directory`/`name`, whole or not at all, and to the disk. In a child, and given up after `limit`: false.
bool store_within(Span limit, const std::string& directory, const std::string& name, const std::string& text);

// Hands an exit code to whoever runs this virtual machine, which ends with it: QEMU's isa-debug-exit at this port. Returns
// where there is no such device or the processor has no ports. Nothing tells whether the device is there: what is written
// goes to whatever listens.
Result<> debug_exit(std::uint16_t port, int code);

// Whether there is a kernel for Ending::kexec.
[[nodiscard]] bool kexec_loaded();

// What end_machine() does, by whoever may: for a person at a keyboard who says that it must be so, whatever PID 1 does.
Result<> end_machine_by_force(Ending how);

// Replaces our program by a copy of itself in memory, called with `arguments`, so that the root file system is no
// longer used by us. Returns only on failure, at the latest after `limit`: then go on where we are. Descriptors without
// CLOEXEC stay open.
Result<> exec_from_memory(const std::vector<std::string>& arguments, Span limit);
// Keeps our pages from needing the disk again (mlockall(2)).
Result<> stay_in_memory();

} // namespace mi::os
