// One message over a Unix socket (SOCK_SEQPACKET, SOCK_DGRAM), maybe with descriptors.
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
    std::size_t size = 0; // of the message, in the buffer. 0 without descriptors: the peer of a SEQPACKET has closed
    std::vector<Fd> fds;  // CLOEXEC
    std::optional<ucred> sender; // where SO_PASSCRED is set
    bool cut = false;            // it brought more descriptors than we could take
};

// Sends `bytes` and `fds` (at most most_descriptors) as one message. Fault EAGAIN: would block, nothing sent; EPIPE:
// nobody there (no SIGPIPE is raised).
Result<> send_packet(int socket, std::string_view bytes, std::span<const int> fds = {});

// The next message, never waited for. Fault EAGAIN: none; EMSGSIZE: longer than `buffer`, or more descriptors than we
// can take: it is lost, and the descriptors that came are closed.
[[nodiscard]] Result<Packet> receive_packet(int socket, std::span<char> buffer);
// The same, but a message that brought too many descriptors is not lost: it is `cut`. `fds` of one that is too long go to
// `rest`, where the caller sees to their end.
[[nodiscard]] Result<Packet> receive_packet(int socket, std::span<char> buffer, std::vector<Fd>& rest);

// Two connected SEQPACKET sockets, CLOEXEC, non-blocking.
struct PacketPair {
    Fd ours;
    Fd theirs;
};
[[nodiscard]] Result<PacketPair> make_packet_pair();

} // namespace mi::os
