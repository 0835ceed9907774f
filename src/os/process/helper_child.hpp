// Runs work that may hang or take long in a child: a fork of us, with our credentials. It is never waited for; its exit
// is reported like that of any child. For work with a time limit that the caller waits for, see timed_child.hpp.
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <functional>

namespace mi::os {

// The descriptor number at which a helper finds `kept`.
constexpr int helper_fd = 3;

// Runs `work` in a forked child, and exits with its result (0 to 255). Of our descriptors only `kept` stays open there,
// as helper_fd; -1: none. So a helper that hangs keeps nothing open that others wait for. `name`: the name that ps(1)
// shows. A fault: fork(2) failed.
[[nodiscard]] Result<pid_t> start_helper(const char* name, const std::function<int()>& work, int kept = -1);

} // namespace mi::os
