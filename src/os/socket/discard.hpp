// Closes descriptors that another process has sent us. close(2) may wait: for a peer (SO_LINGER), for a serial line
// that drains, for the server of a file system that does not answer. A child closes those that may wait, instead of PID
// 1.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <span>
#include <vector>

namespace mi::os {

// Whether operations on it (poll, close) end without the help of another process: a socket, pipe, shared memory,
// eventfd or the like, but no file, directory or device. The check does not ask a file system.
[[nodiscard]] bool is_harmless(int fd);

// Closes one that is_harmless, whatever linger time its sender has set.
void close_harmless(Fd fd);

// Starts a child that shares our descriptor table, closes `fds` and ends; collect it like any other. From here on `fds`
// belong to the child. On a fault nothing has happened.
[[nodiscard]] Result<pid_t> close_aside(std::span<const int> fds);

// Whether both refer to the same open file description (kcmp(2)). False if the kernel does not tell.
[[nodiscard]] bool same_description(int a, int b);

} // namespace mi::os
