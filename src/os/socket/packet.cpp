// sendmsg(2) and recvmsg(2) with SCM_RIGHTS; every length is checked.
#include "os/socket/packet.hpp"

#include <cerrno>
#include <cstring>

namespace mi::os {

Result<> send_packet(int socket, std::string_view bytes, std::span<const int> fds) {
    if (fds.size() > most_descriptors)
        return fault(E2BIG, "send descriptors");
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(most_descriptors * sizeof(int))];
    if (!fds.empty()) {
        std::memset(control, 0, CMSG_SPACE(fds.size_bytes())); // the kernel reads its padding, too
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
    }
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return fault(errno, "send message");
    if (static_cast<std::size_t>(sent) != bytes.size())
        return fault(EMSGSIZE, "send message");
    return {};
}

Result<Packet> receive_packet(int socket, std::span<char> buffer) {
    std::vector<Fd> rest;
    Result<Packet> packet = receive_packet(socket, buffer, rest);
    if (packet && packet->cut)
        return fault(EMSGSIZE, "receive message");
    return packet;
}

Result<Packet> receive_packet(int socket, std::span<char> buffer, std::vector<Fd>& rest) {
    iovec part{buffer.data(), buffer.size()};
    // Room for the most descriptors that one message can carry, and for the sender's credentials.
    alignas(cmsghdr) char control[CMSG_SPACE(most_descriptors * sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t got = 0;
    do {
        got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return fault(errno, "receive message");

    Packet packet;
    packet.size = static_cast<std::size_t>(got);
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET)
            continue;
        std::size_t length = header->cmsg_len - CMSG_LEN(0);
        if (header->cmsg_type == SCM_RIGHTS) {
            for (std::size_t at = 0; at + sizeof(int) <= length; at += sizeof(int)) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(header) + at, sizeof fd);
                packet.fds.emplace_back(fd); // closed automatically from here on
            }
        } else if (header->cmsg_type == SCM_CREDENTIALS && length >= sizeof(ucred)) {
            packet.sender.emplace();
            std::memcpy(&*packet.sender, CMSG_DATA(header), sizeof(ucred));
        }
    }
    packet.cut = (message.msg_flags & MSG_CTRUNC) != 0;
    if ((message.msg_flags & MSG_TRUNC) != 0) {
        rest = std::move(packet.fds);
        return fault(EMSGSIZE, "receive message");
    }
    return packet;
}

Result<PacketPair> make_packet_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return fault(errno, "make socket pair");
    return PacketPair{Fd(ends[0]), Fd(ends[1])};
}

} // namespace mi::os
