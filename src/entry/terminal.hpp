// The terminal that we and COMMAND share, and which of us is in its foreground (tcsetpgrp(3), credentials(7)).
#pragma once

#include <sys/types.h>

#include "base/fd.hpp"

namespace mi::entry {

// Our controlling terminal, or none: then every question is answered no, and nothing else happens.
// SIGTTOU must be blocked: who moves a process group to the foreground from the background is stopped by it otherwise.
class Terminal {
public:
    // Looks at standard input, output and error, then for /dev/tty. A session leader without a terminal takes the one
    // that is its standard input, where nobody else has it.
    [[nodiscard]] static Terminal find();

    explicit operator bool() const { return fd_ >= 0; }
    [[nodiscard]] int fd() const { return fd_; }
    // Whether our own process group is the foreground one, so that the foreground is ours to give.
    [[nodiscard]] bool ours() const;
    // Makes `group` (a process group of our session) the foreground; false where the terminal refuses.
    bool give(pid_t group) const;
    // Makes our own process group the foreground again.
    void take_back() const;

private:
    Fd opened_; // /dev/tty, where the standard descriptors lead elsewhere
    int fd_ = -1;
};

} // namespace mi::entry
