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
    // In a new PID namespace both may be 0, a group outside: then we take it that the shell out there put us in front.
    return fd_ >= 0 && ::tcgetpgrp(fd_) == ::getpgrp();
}

bool Terminal::give(pid_t group) const { return fd_ >= 0 && ::tcsetpgrp(fd_, group) == 0; }

void Terminal::take_back() const {
    // Group 0 is one outside our PID namespace, which we cannot name: the shell out there helps itself.
    if (pid_t group = ::getpgrp(); fd_ >= 0 && group > 0)
        ::tcsetpgrp(fd_, group);
}

} // namespace mi::entry
