// A datagram socket with the sender's credentials.
#include "os/notify_socket.hpp"

#include "os/local_socket.hpp"
#include "os/packet.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

namespace mi::os {

Result<NotifySocket> NotifySocket::bind(const std::string& path) {
    Result<sockaddr_un> address = local_address(path);
    if (!address)
        return std::unexpected(address.error());
    if (Result<> removed = remove_stale_socket(path, SOCK_DGRAM); !removed)
        return std::unexpected(removed.error());
    Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return fault(errno, "make socket");
    int on = 1;
    // Asked for before anyone can write: a message without credentials could not be believed.
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return fault(errno, "ask for credentials on", path);
    // A thousand services may become ready in one turn of ours; refused, the default has to do.
    int room = 8 << 20;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
        return fault(errno, "bind", path);
    if (::chmod(path.c_str(), 0666) != 0)
        return fault(errno, "set the mode of", path);
    return NotifySocket(std::move(fd));
}

Result<std::optional<NotifyMessage>> NotifySocket::receive() {
    std::array<char, 8192> buffer;
    Result<Packet> packet = receive_packet(fd_.get(), buffer);
    if (!packet) {
        if (packet.error().code == EAGAIN)
            return std::nullopt;
        return std::unexpected(packet.error());
    }
    if (!packet->sender)
        return fault(EPERM, "believe a message without a sender");
    return NotifyMessage{packet->sender->pid, packet->sender->uid, std::string(buffer.data(), packet->size),
                         std::move(packet->fds)};
}

} // namespace mi::os
