// The terminal that we share with COMMAND, and its foreground process group (tcsetpgrp(3), credentials(7)).
#pragma once

#include <sys/types.h>

#include "base/fd.hpp"

namespace mi::entry {

// Our controlling terminal, or none: then every question is answered with no, and nothing is changed. SIGTTOU must be
// blocked: otherwise it stops a process that calls tcsetpgrp(3) from the background.
class Terminal {
public:
    // Checks standard input, output and error, then /dev/tty. A session leader without a terminal takes the one on its
    // standard input, unless another session has it.
    [[nodiscard]] static Terminal find();

    explicit operator bool() const { return fd_ >= 0; }
    [[nodiscard]] int fd() const { return fd_; }
    // Whether our own process group is in the foreground, so that we may give the foreground away.
    [[nodiscard]] bool ours() const;
    // Puts `group` (a process group of our session) in the foreground; false if the terminal refuses.
    bool give(pid_t group) const;
    // Puts our own process group in the foreground again.
    void take_back() const;

private:
    Fd opened_; // /dev/tty, if the standard descriptors are no terminal
    int fd_ = -1;
};

} // namespace mi::entry
