#include "daemon/control/control_connection.hpp"

#include "base/clock.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace mi::daemon {

std::string& OutBuffer::append_to(const Barriers& barriers) {
    if (std::optional<std::uint64_t> newest = barriers.newest();
        newest && (marks_.empty() || marks_.back().barrier != *newest))
        marks_.push_back({*newest, dropped_ + bytes_.size()});
    return bytes_;
}

std::string_view OutBuffer::sendable(const Barriers& barriers) {
    while (!marks_.empty() && barriers.open(marks_.front().barrier))
        marks_.erase(marks_.begin());
    const std::size_t end = marks_.empty() ? bytes_.size() : static_cast<std::size_t>(marks_.front().begin - dropped_);
    return std::string_view(bytes_).substr(begin_, end - begin_);
}

void OutBuffer::sent(std::size_t bytes) {
    constexpr std::size_t worth_keeping = 4096, worth_moving = 64 << 10;
    begin_ += bytes;
    if (begin_ != bytes_.size() && begin_ < worth_moving)
        return;
    dropped_ += begin_;
    if (begin_ != bytes_.size())
        bytes_.erase(0, begin_);
    else if (bytes_.capacity() > worth_keeping)
        std::string().swap(bytes_); // an assignment would keep the memory
    else
        bytes_.clear();
    begin_ = 0;
}

Connection::Io Connection::read_some() {
    char chunk[16 << 10];
    const ssize_t count = ::recv(fd.get(), chunk, sizeof chunk, MSG_DONTWAIT);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? Io::again : Io::ended;
    if (count > 0)
        return in.append({chunk, static_cast<std::size_t>(count)}) ? Io::fine : Io::ended;
    // It may only have said all that it has to say, and wait for the answer. Where it is gone altogether the kernel knows.
    read_ended = true;
    return hung_up() ? Io::ended : Io::again;
}

bool Connection::hung_up() const {
    pollfd both{fd.get(), 0, 0};
    return ::poll(&both, 1, 0) == 1 && (both.revents & (POLLHUP | POLLERR)) != 0;
}

void Connection::let_go() {
    watch.reset(); // before its descriptor's number can belong to another
    fd.reset();
    in = wire::Framer(0);
    out = OutBuffer();
    call.end();
}

Connection::Io Connection::send_some(const Barriers& barriers, Instant until) {
    constexpr std::size_t low = 16 << 10;
    if (call.list && hung_up())
        return Io::ended;
    for (unsigned round = 0; round < 8; ++round) {
        while (call.list && out.size() < low) {
            if (!call.list->append(out.append_to(barriers), call.more, until))
                call.end();
            if (monotonic_now() >= until)
                break;
        }
        const std::string_view bytes = out.sendable(barriers);
        if (bytes.empty())
            return Io::again;
        const ssize_t count = ::send(fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR ? Io::again : Io::ended;
        out.sent(static_cast<std::size_t>(count));
        if (static_cast<std::size_t>(count) < bytes.size())
            return Io::again;
        if (monotonic_now() >= until)
            break;
    }
    return call.list || !out.sendable(barriers).empty() ? Io::fine : Io::again;
}

} // namespace mi::daemon
