// A datagram socket with the sender's credentials.
#include "os/notify_socket.hpp"

#include "os/local_socket.hpp"
#include "os/packet.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

namespace mi::os {

Result<NotifySocket> NotifySocket::bind(const std::string& path, std::optional<uid_t> owner) {
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
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
        return fault(errno, "bind", path);
    // bind(2) made it with our umask; connecting takes the right to write.
    if ((owner && ::lchown(path.c_str(), *owner, static_cast<gid_t>(-1)) != 0) ||
        ::chmod(path.c_str(), owner ? 0600 : 0666) != 0) {
        int code = errno;
        ::unlink(path.c_str());
        return fault(code, "set owner and mode of", path);
    }
    return NotifySocket(std::move(fd));
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
    // Without a sender (which no kernel does that knows SO_PASSCRED) it is nobody's.
    if (packet->sender) {
        message.pid = packet->sender->pid;
        message.uid = packet->sender->uid;
    }
    return message;
}

} // namespace mi::os
