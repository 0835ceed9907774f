// Work that may hang, done in a child that is given up after a while. Private to this room's last stage.
#pragma once

#include "base/time.hpp"

#include <sys/types.h>

#include <functional>

namespace mi::os {

enum class Outcome { done, failed, too_long };

// Waits until a child has changed (SIGCHLD, which should be blocked) or `limit` has passed; may return early.
void wait_for_a_child(Span limit);

// Runs `work` in a forked child; done if it returns true. After `limit` the child is killed, and left alone if even
// that does not end it: then it is in `*left`, and what the kernel does for it may still come to its end.
[[nodiscard]] Outcome in_child(Span limit, const std::function<bool()>& work, pid_t* left = nullptr);

// Waits until each of these children of ours has ended, or `limit` is over.
void await_children(const std::vector<pid_t>& children, Span limit);

} // namespace mi::os
