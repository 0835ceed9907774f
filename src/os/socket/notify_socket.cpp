// A datagram socket that receives the sender's credentials.
#include "os/socket/notify_socket.hpp"

#include "os/socket/local_socket.hpp"
#include "os/socket/packet.hpp"

#include <array>
#include <cerrno>

namespace mi::os {

Result<NotifySocket> NotifySocket::bind(const std::string& path, std::optional<uid_t> owner) {
    Result<Fd> fd = bind_datagram(path, owner);
    if (!fd)
        return std::unexpected(fd.error());
    return NotifySocket(std::move(*fd));
}

Result<std::optional<NotifyMessage>> NotifySocket::receive() {
    std::array<char, 8192> buffer;
    std::vector<Fd> rest;
    Result<Packet> packet = receive_packet(fd_.get(), buffer, rest);
    if (!packet && packet.error().code == EAGAIN)
        return std::nullopt;
    if (!packet && packet.error().code == EMSGSIZE)
        return NotifyMessage{.fds = std::move(rest), .long_ = true};
    if (!packet)
        return std::unexpected(packet.error());
    NotifyMessage message{.text = std::string(buffer.data(), packet->size), .fds = std::move(packet->fds)};
    message.cut = packet->cut;
    // Every kernel with SO_PASSCRED gives a sender; without one the message belongs to no process.
    if (packet->sender) {
        message.pid = packet->sender->pid;
        message.uid = packet->sender->uid;
    }
    return message;
}

} // namespace mi::os
