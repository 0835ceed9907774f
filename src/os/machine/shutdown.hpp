// The last stage of a machine: ends all processes, leaves no file system mounted writable, and calls reboot(2). The
// engine has stopped the units in order before; release.hpp unmounts. Every operation that may hang runs in a child
// with a time limit, so this stage always ends.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::os {

enum class Ending { reboot, poweroff, halt, kexec };

// Prints one line, given without its line end, on the console.
using Say = std::function<void(std::string_view)>;

// Sends SIGTERM and SIGCONT to every process except ours, waits for `grace`, then sends SIGKILL for at most `limit`,
// and reaps all. Returns the processes that still exist: `process 123 (name) in state D, waiting in FUNCTION`.
std::vector<std::string> end_all_processes(Span grace, Span limit, const Say& say);

// The same, except for processes that may go on; `lives_on` is asked repeatedly, because they may fork. Reaps no child:
// the owner of the children does.
std::vector<std::string> end_other_processes(const std::function<bool(pid_t)>& lives_on, Span grace, Span limit,
                                             const Say& say);

// sync(2) in a child; false if it took longer than `limit`.
bool sync_within(Span limit);

// Calls reboot(2); only PID 1 may call this. Returns only if the call fails (for kexec also if no kernel is loaded:
// then reboot normally).
Result<> end_machine(Ending how);

// Writes `text` to `directory`/`name` atomically, and flushes it to the disk. Runs in a child; false after `limit`.
// `beside`: only where that file of the directory begins with the same word.
bool store_within(Span limit, const std::string& directory, const std::string& name, const std::string& text,
                  const std::string& beside = {});

// Whether a kernel is loaded for Ending::kexec (kexec_load(2)).
[[nodiscard]] bool kexec_loaded();

// Does the same as end_machine(), but for any process with the privilege: for a person at a keyboard who wants the
// reboot at once, in whatever state PID 1 is.
Result<> end_machine_by_force(Ending how);

// Replaces our program by a copy of itself in memory, called with `arguments`, so that we no longer use the root file
// system. Returns only on failure, after at most `limit`: then go on as before. Descriptors without CLOEXEC stay open.
Result<> exec_from_memory(const std::vector<std::string>& arguments, Span limit);
// Locks our pages in memory (mlockall(2)), so that they never need the disk again.
Result<> stay_in_memory();

} // namespace mi::os
