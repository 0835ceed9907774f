#include "os/socket/write_ready.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mi::os {

namespace {
// A terminal or pipe that poll(2) calls writable takes at least this many bytes without waiting.
constexpr std::size_t piece = 256;
} // namespace

bool write_ready(int fd, bool ours, std::string& text) {
    std::size_t done = 0;
    bool there = true;
    while (done < text.size()) {
        pollfd ready{fd, POLLOUT, 0};
        if (!ours && (::poll(&ready, 1, 0) != 1 || ready.revents != POLLOUT)) {
            there = (ready.revents & ~POLLOUT) == 0;
            break;
        }
        const std::size_t left = text.size() - done;
        const ssize_t n = ::write(fd, text.data() + done, ours ? left : std::min(piece, left));
        if (n < 0 && errno == EINTR)
            continue;
        there = n >= 0 || errno == EAGAIN;
        if (n <= 0)
            break;
        done += static_cast<std::size_t>(n);
    }
    text.erase(0, done);
    return there;
}

} // namespace mi::os
