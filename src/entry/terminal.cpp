#include "entry/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace mi::entry {

Terminal Terminal::find() {
    Terminal terminal;
    for (int fd = 0; fd <= 2; ++fd)
        if (::tcgetpgrp(fd) >= 0) {
            terminal.fd_ = fd;
            return terminal;
        }
    terminal.opened_ = Fd(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (terminal.opened_)
        terminal.fd_ = terminal.opened_.get();
    else if (::getsid(0) == ::getpid() && ::ioctl(STDIN_FILENO, TIOCSCTTY, 0) == 0)
        terminal.fd_ = STDIN_FILENO;
    return terminal;
}

bool Terminal::ours() const {
    // In a new PID namespace both may be 0, a group outside: then we assume that the shell there has put us in the
    // foreground.
    return fd_ >= 0 && ::tcgetpgrp(fd_) == ::getpgrp();
}

bool Terminal::give(pid_t group) const { return fd_ >= 0 && ::tcsetpgrp(fd_, group) == 0; }

void Terminal::take_back() const {
    // Group 0 is outside our PID namespace, and we cannot name it: the shell there takes the foreground itself.
    if (pid_t group = ::getpgrp(); fd_ >= 0 && group > 0)
        ::tcsetpgrp(fd_, group);
}

} // namespace mi::entry
