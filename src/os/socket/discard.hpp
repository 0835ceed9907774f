// Getting rid of descriptors that somebody sent us. close(2) is a call that can wait: for a peer (SO_LINGER), for a line that
// drains, for the server of a file system that does not answer. What may wait is closed by a child instead of PID 1.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <span>
#include <vector>

namespace mi::os {

// Whether operations on it (poll, close) end without anybody else's doing: a socket, a pipe, shared memory, an eventfd and
// its like. A file, a directory and a device are not; finding out does not ask their file system.
[[nodiscard]] bool is_harmless(int fd);

// Closes one that is_harmless, whatever linger time its sender has given it.
void close_harmless(Fd fd);

// A child, on our own descriptor table, that closes `fds` and ends; collect it like any other. They are its own from here
// on. With a fault nothing has happened.
[[nodiscard]] Result<pid_t> close_aside(std::span<const int> fds);

// Whether both refer to the same open file description. Where the kernel does not tell: false.
[[nodiscard]] bool same_description(int a, int b);

} // namespace mi::os
