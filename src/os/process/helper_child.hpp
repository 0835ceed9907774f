// A child that does something on the side which may hang or take long: a copy of us, with our rights. It is never waited for;
// whoever starts it hears of its end as of any child's. Work that is waited for, for a limited time, is timed_child.hpp's.
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <functional>

namespace mi::os {

// What a helper knows the descriptor by that it is left.
constexpr int helper_fd = 3;

// Runs `work` in a forked child, whose exit code (0 to 255) it returns. Nothing of ours is open there but `kept`, as helper_fd;
// -1: nothing at all. So a helper that hangs keeps nothing open that others wait for. `name`: what ps(1) shows of it.
// The fault: no process could be made (fork(2)).
[[nodiscard]] Result<pid_t> start_helper(const char* name, const std::function<int()>& work, int kept = -1);

} // namespace mi::os
