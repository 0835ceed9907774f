// Runs work that may hang in a child, which is given up after a time limit. For work that the caller does not wait for,
// see helper_child.hpp.
#pragma once

#include "base/time.hpp"

#include <sys/types.h>

#include <functional>

namespace mi::os {

enum class Outcome { done, failed, too_long };

// Waits until a child has changed its state (SIGCHLD, which should be blocked) or `limit` has passed; may return early.
void wait_for_a_child(Span limit);

// Runs `work` in a forked child; `done` if it returns true. After `limit` the child is killed. If it does not end even
// then, its PID is put into `*left`, and a system call of it may still take effect later.
[[nodiscard]] Outcome in_child(Span limit, const std::function<bool()>& work, pid_t* left = nullptr);

// Waits until all of these children have ended, or `limit` has passed.
void await_children(const std::vector<pid_t>& children, Span limit);

} // namespace mi::os
