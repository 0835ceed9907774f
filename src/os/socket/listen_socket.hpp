// Makes the sockets and named pipes of a service from their addresses, and accepts connections on them (socket(7),
// fifo(7)). The daemon decides which unit owns them and how long they live.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "os/file/walked_file.hpp"

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace mi::os {

// The address to listen at: `*:PORT` (IPv6 and IPv4, or IPv4 alone without IPv6), `V4:PORT`, `[V6]:PORT` (IPv6 alone),
// `localhost:PORT` (127.0.0.1, or ::1 without IPv4), `/path` or `@abstract`. A FIFO is always a path.
struct Endpoint {
    enum class Kind : std::uint8_t { stream, datagram, sequential_packet, fifo };
    Kind kind = Kind::stream;
    std::string address;
    mode_t mode = 0666;        // of the path
    std::optional<uid_t> user; // of the path; nullopt: ours
    std::optional<gid_t> group;
    int backlog = 0; // 0: the system's maximum
    bool reuse_port = false;
    bool operator==(const Endpoint&) const = default;
};

// An open socket or FIFO. Closing it leaves its path: see `remove`.
class ListenSocket {
public:
    // Opens and listens, CLOEXEC and blocking. An address that no interface has yet is no fault, because an init binds
    // before the network is up. For a path: missing directories are made (0755); a socket without a listener is
    // replaced; mode and owner are set before a client can connect; only sockets are ever removed (EEXIST for other
    // files); an existing FIFO is used if it belongs to us or the given user. The path is walked (walked_file.hpp). The
    // fault names the step; EXDEV: the path lies on a file system that may hang, according to `judge`; without a judge
    // every file system is entered.
    static Result<ListenSocket> open(const Endpoint& endpoint, MountJudge* judge = nullptr);

    // The data that the next program image needs to own the socket, besides the descriptor.
    struct Place {
        std::string path;
        std::uint64_t device = 0, inode = 0;
        bool made_path = false;
    };
    [[nodiscard]] Place place() const { return {path_, device_, inode_, made_path_}; }
    static ListenSocket adopt(Fd fd, Place place);

    [[nodiscard]] int fd() const { return fd_.get(); }
    // Whether its path still leads to it, without a file system that may hang; true if it has no path.
    [[nodiscard]] bool reachable(MountJudge* judge = nullptr) const;
    // Removes the path, if we made it and it still leads to this socket.
    void remove(MountJudge* judge = nullptr);

private:
    [[nodiscard]] Result<> open_network(const Endpoint& endpoint);
    [[nodiscard]] Result<> open_local(const Endpoint& endpoint, MountJudge* judge);
    [[nodiscard]] Result<> open_fifo(const Endpoint& endpoint, MountJudge* judge);
    void note_path(const std::string& path, const struct stat& about, bool made);
    [[nodiscard]] std::optional<WalkedFile> find(MountJudge* judge) const;

    Fd fd_;
    std::string path_;
    std::uint64_t device_ = 0, inode_ = 0; // of the object at the path
    bool made_path_ = false;
};

// The client: a numeric address and its port; for a local socket its path or @name, which most clients do not have.
struct Remote {
    std::string address;
    std::uint16_t port = 0; // 0: a local socket
};
struct Connection {
    Fd fd; // CLOEXEC and blocking
    Remote remote;
};

// The next connection; nullopt: none. Fault EMFILE, ENFILE, ENOBUFS, ENOMEM: it still waits; try again when a
// descriptor was closed.
[[nodiscard]] Result<std::optional<Connection>> accept_connection(int listener);

// Whether a connection, a datagram or bytes wait at the descriptor.
[[nodiscard]] bool something_waits(int fd);

// Whether `count` more descriptors (at most 16) can be opened; the fault says why not.
[[nodiscard]] Result<> has_room(std::size_t count);

} // namespace mi::os
