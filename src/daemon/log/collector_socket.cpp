#include "daemon/log/collector_socket.hpp"

#include "os/socket/packet.hpp"

#include <cerrno>
#include <utility>

namespace mi::daemon {

using wire::logs::StreamId;

Result<std::unique_ptr<loop::Watch>> CollectorSocket::watch(int fd) {
    return kernel_.watch(fd, readable_, [this] {
        send();
        sent_();
    });
}

Result<Fd> CollectorSocket::open() {
    auto pair = os::make_packet_pair();
    if (!pair)
        return std::unexpected(pair.error());
    if (auto adopted = adopt(std::move(pair->ours)); !adopted)
        return std::unexpected(adopted.error());
    return std::move(pair->theirs);
}

Result<> CollectorSocket::adopt(Fd socket) {
    auto watched = watch(socket.get());
    if (!watched)
        return std::unexpected(watched.error());
    watch_ = std::move(*watched);
    socket_ = std::move(socket);
    buffer_.resize(wire::logs::longest_message);
    return {};
}

void CollectorSocket::close() {
    watch_.reset();
    socket_.reset();
    queue_.clear();
    send_again_at_ = never;
}

void CollectorSocket::add(std::string packet, std::vector<StreamId> streams) {
    queue_.push_back({std::move(packet), std::move(streams)});
}

void CollectorSocket::send() {
    if (!socket_)
        return;
    std::size_t sent = 0;
    std::vector<int> fds;
    bool full = false;
    send_again_at_ = never;
    for (; sent < queue_.size(); ++sent) {
        const Packet& next = queue_[sent];
        fds.clear();
        for (StreamId id : next.streams)
            fds.push_back(pipe_of_(id));
        auto result = os::send_packet(socket_.get(), next.bytes, fds);
        if (!result) {
            // What passes when the collector has read is told by the socket; what the kernel or our user has too much of is not.
            // Anything else shows when its process ends.
            const int code = result.error().code;
            full = code == EAGAIN;
            if (code == ETOOMANYREFS || code == ENOBUFS || code == ENOMEM)
                send_again_at_ = kernel_.now() + std::chrono::milliseconds(200);
            break;
        }
    }
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(sent));
    if (watch_)
        watch_->want_writable(full);
}

Result<std::string_view> CollectorSocket::receive() {
    if (!socket_)
        return std::string_view{};
    auto packet = os::receive_packet(socket_.get(), buffer_);
    if (packet && packet->size > 0)
        return std::string_view(buffer_.data(), packet->size);
    if (packet || packet.error().code == ECONNRESET) // with words of ours unread, or when it has closed its end
        watch_.reset();
    else if (packet.error().code != EAGAIN)
        return std::unexpected(packet.error());
    return std::string_view{};
}

} // namespace mi::daemon
