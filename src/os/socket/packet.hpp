// Sends and receives one message over a Unix socket (SOCK_SEQPACKET, SOCK_DGRAM), with or without descriptors (unix(7),
// SCM_RIGHTS).
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/socket.h>

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mi::os {

// The kernel's SCM_MAX_FD.
constexpr std::size_t most_descriptors = 253;

struct Packet {
    // Bytes of the message, in the buffer. 0 without descriptors: the peer of a SEQPACKET socket has closed it.
    std::size_t size = 0;
    std::vector<Fd> fds;         // CLOEXEC
    std::optional<ucred> sender; // only if SO_PASSCRED is set
    bool cut = false;            // it brought more descriptors than we could take
};

// Sends `bytes` and `fds` (at most most_descriptors) as one message. Fault EAGAIN: it would block, and nothing was
// sent; EPIPE: the peer has closed (no SIGPIPE is raised).
Result<> send_packet(int socket, std::string_view bytes, std::span<const int> fds = {});

// The next message, without waiting. Fault EAGAIN: none; EMSGSIZE: it is longer than `buffer`, or has more descriptors
// than we can take: then it is lost, and its descriptors are closed.
[[nodiscard]] Result<Packet> receive_packet(int socket, std::span<char> buffer);
// The same, but a message with too many descriptors is not lost: it is `cut`. If a message is too long, its descriptors
// go to `rest`, and the caller must close them.
[[nodiscard]] Result<Packet> receive_packet(int socket, std::span<char> buffer, std::vector<Fd>& rest);

// Two connected SEQPACKET sockets, CLOEXEC and non-blocking.
struct PacketPair {
    Fd ours;
    Fd theirs;
};
[[nodiscard]] Result<PacketPair> make_packet_pair();

} // namespace mi::os
