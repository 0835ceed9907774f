// The sockets and named pipes at which a service is reached, each made from an address, and what comes in at them. Whose
// they are, and how long they live, is the daemon's business.
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

// What to listen at: `*:PORT` (IPv6 and IPv4, or IPv4 alone where there is no IPv6), `V4:PORT`, `[V6]:PORT` (IPv6 alone),
// `localhost:PORT` (127.0.0.1, or ::1 where there is no IPv4), `/path` or `@abstract`. A fifo is always a path.
struct Endpoint {
    enum class Kind : std::uint8_t { stream, datagram, sequential_packet, fifo };
    Kind kind = Kind::stream;
    std::string address;
    mode_t mode = 0666;        // of a path
    std::optional<uid_t> user; // of a path; none: ours
    std::optional<gid_t> group;
    int backlog = 0; // 0: as many as the system allows
    bool reuse_port = false;
    bool operator==(const Endpoint&) const = default;
};

// One of them, open. Closing it leaves its path: see `remove`.
class ListenSocket {
public:
    // Listens, CLOEXEC and blocking. An address that no interface has yet is no fault: an init binds before the network is
    // up. At a path, missing directories are made (0755), a socket that nobody listens at any more is replaced, mode and
    // owner are set before anybody can connect, and nothing but a socket is ever removed (EEXIST); a FIFO that is there is
    // used if it is ours or the given user's. The path is walked (walked_file.hpp). The fault names the step; EXDEV: the path
    // lies on a file system that may hang, as `judge` says; without a judge none is asked.
    static Result<ListenSocket> open(const Endpoint& endpoint, MountJudge* judge = nullptr);

    // What a program that comes after us needs to have it, besides the descriptor.
    struct Place {
        std::string path;
        std::uint64_t device = 0, inode = 0;
        bool made_path = false;
    };
    [[nodiscard]] Place place() const { return {path_, device_, inode_, made_path_}; }
    static ListenSocket adopt(Fd fd, Place place);

    [[nodiscard]] int fd() const { return fd_.get(); }
    // Whether its path still leads to it, and by no file system that may hang; true where it has none.
    [[nodiscard]] bool reachable(MountJudge* judge = nullptr) const;
    // Removes the path, if it still leads to this socket so and was made by it.
    void remove(MountJudge* judge = nullptr);

private:
    [[nodiscard]] Result<> open_network(const Endpoint& endpoint);
    [[nodiscard]] Result<> open_local(const Endpoint& endpoint, MountJudge* judge);
    [[nodiscard]] Result<> open_fifo(const Endpoint& endpoint, MountJudge* judge);
    void note_path(const std::string& path, const struct stat& about, bool made);
    [[nodiscard]] std::optional<WalkedFile> find(MountJudge* judge) const;

    Fd fd_;
    std::string path_;
    std::uint64_t device_ = 0, inode_ = 0; // of what the path led to
    bool made_path_ = false;
};

// Who connected: a numeric address and its port; of a local socket its path or @name, which most callers do not have.
struct Remote {
    std::string address;
    std::uint16_t port = 0; // 0: a local socket
};
struct Connection {
    Fd fd; // CLOEXEC and blocking
    Remote remote;
};

// The next connection, or none. Fault EMFILE, ENFILE, ENOBUFS, ENOMEM: it still waits; try again when something was closed.
[[nodiscard]] Result<std::optional<Connection>> accept_connection(int listener);

// Whether something waits at the descriptor: a connection, a datagram, bytes.
[[nodiscard]] bool something_waits(int fd);

// Whether so many more descriptors can be had, up to 16; the fault says why not.
[[nodiscard]] Result<> has_room(std::size_t count);

} // namespace mi::os
