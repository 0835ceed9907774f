#include "daemon/console.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <string>

namespace mi::daemon {

Console::Console(bool device) {
    if (device)
        own_ = Fd(::open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (own_)
        fd_ = own_.get();
}

void Console::line(std::string_view text) {
    pollfd ready{fd_, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
        return;
    std::string line = "miniinit: ";
    line += text.substr(0, 1000);
    line += own_ ? "\r\n" : "\n"; // the console may be in raw mode
    // A full or vanished console is no reason to do anything else.
    [[maybe_unused]] ssize_t written = ::write(fd_, line.data(), line.size());
}

} // namespace mi::daemon
