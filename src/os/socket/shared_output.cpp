#include "os/socket/shared_output.hpp"

#include "base/unreachable.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace mi::os {

namespace {

// A terminal that poll(2) calls writable takes at least this many bytes without waiting.
constexpr std::size_t piece = 256;

// The lines at the beginning of `text` that go in one write, or a part of one that is too long.
std::string_view lines_within(std::string_view text, std::size_t most) {
    if (text.size() <= most)
        return text;
    const std::size_t end = text.rfind('\n', most - 1);
    return text.substr(0, end == text.npos ? most : end + 1);
}

} // namespace

void SharedOutput::choose() {
    struct stat status{};
    way_ = Way::poll;
    if (::fstat(fd_, &status) != 0)
        return;
    if (S_ISREG(status.st_mode)) {
        way_ = Way::file;
    } else if (S_ISSOCK(status.st_mode)) {
        way_ = Way::socket;
    } else {
        char path[32];
        (void)std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd_);
        own_ = Fd(::open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
        int ends[2];
        if (own_) {
            way_ = Way::own;
        } else if (S_ISFIFO(status.st_mode) && ::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
            read_ = Fd(ends[0]);
            write_ = Fd(ends[1]);
            way_ = Way::splice;
        }
    }
}

std::size_t SharedOutput::longest() const {
    switch (way_) {
    case Way::unknown:
    case Way::poll: return piece;
    case Way::own:
    case Way::socket:
    case Way::splice: return PIPE_BUF;
    case Way::file: return 64 * 1024;
    }
    unreachable("there is no other way");
}

// One buffer of a pipe, which goes over as a whole or not at all.
ssize_t SharedOutput::put_by_pipe(std::string_view text) {
    if (on_their_way_ == 0) {
        const ssize_t n = ::write(write_.get(), text.data(), text.size());
        if (n <= 0)
            return n;
        on_their_way_ = static_cast<std::size_t>(n);
    }
    const ssize_t n = ::splice(read_.get(), nullptr, fd_, nullptr, on_their_way_, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n > 0)
        on_their_way_ -= static_cast<std::size_t>(n);
    return n;
}

ssize_t SharedOutput::put(std::string_view text) {
    if (way_ == Way::splice)
        return put_by_pipe(text);
    if (way_ == Way::socket)
        return ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (way_ == Way::poll) {
        pollfd ready{fd_, POLLOUT, 0};
        if (::poll(&ready, 1, 0) != 1 || ready.revents != POLLOUT) {
            errno = (ready.revents & ~POLLOUT) == 0 ? EAGAIN : EIO;
            return -1;
        }
    }
    return ::write(fd(), text.data(), text.size());
}

SharedOutput::Written SharedOutput::write(std::string_view text) {
    Written written;
    if (way_ == Way::unknown)
        choose();
    while (written.bytes < text.size()) {
        const ssize_t n = put(lines_within(text.substr(written.bytes), longest()));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            written.there = n < 0 && errno == EAGAIN;
            break;
        }
        written.bytes += static_cast<std::size_t>(n);
    }
    if (!written.there && way_ != Way::own) // what was on its way is lost with the rest
        *this = SharedOutput(fd_);
    return written;
}

} // namespace mi::os
