// Unix sockets: the control socket and its clients, and sockets for datagrams.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "os/file/walked_file.hpp"

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

#include <optional>
#include <string>
#include <vector>

namespace mi::os {

// Listens at `path` (non-blocking). Replaces a socket nobody listens on any more; EADDRINUSE where somebody does;
// never removes anything but a socket (EEXIST).
[[nodiscard]] Result<Fd> listen_local(const std::string& path, mode_t mode, int backlog = 128);

// The next connection (non-blocking, CLOEXEC), or none. Fault EMFILE, ENFILE, ENOMEM: try again when something was
// closed.
[[nodiscard]] Result<std::optional<Fd>> accept_local(int listener);

// Who is at the other end, as of its connect(2).
struct Peer {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; // supplementary
    [[nodiscard]] bool in_group(gid_t wanted) const;
};
[[nodiscard]] Result<Peer> peer_of(int connection);

// A connection to `path` (blocking), with `timeout` also set on each later read and write. Fault ENOENT, ECONNREFUSED:
// nobody is there; EAGAIN: busy for that long.
[[nodiscard]] Result<Fd> connect_local(const std::string& path, Span timeout);

// `path` as an address, for other kinds of socket; ENAMETOOLONG above 107 bytes.
[[nodiscard]] Result<sockaddr_un> local_address(const std::string& path);

// A socket for datagrams at `path` (non-blocking) that tells who sent each (SO_PASSCRED). Only `owner` can send to it, or
// everybody. Replaces, and leaves alone, what listen_local does.
[[nodiscard]] Result<Fd> bind_datagram(const std::string& path, std::optional<uid_t> owner);

// What bind_local has made.
struct BoundFile {
    WalkedFile where;
    Fd file; // O_PATH
    struct stat about;
};
// Gives `socket`, of the type SOCK_STREAM or its like, the address `path`, which is walked as one that a unit names: mode
// `mode`, ours. Replaces a socket nobody listens on any more; EADDRINUSE where somebody does; never removes anything but a
// socket (EEXIST). EXDEV: it may hang, as `judge` says.
[[nodiscard]] Result<BoundFile> bind_local(int socket, const std::string& path, int type, mode_t mode,
                                           MountJudge* judge = nullptr);

// Gives the open file (O_PATH is enough) to a user, a group, or both; `path` is for messages, and may be empty.
[[nodiscard]] Result<> give_file(int file, std::optional<uid_t> user, std::optional<gid_t> group,
                                 const std::string& path);

// The creation mask for as long as it lives: what bind(2) and mkfifo(2) make has its mode from the first moment.
class Mask {
public:
    explicit Mask(mode_t mode);
    Mask(const Mask&) = delete;
    Mask& operator=(const Mask&) = delete;
    ~Mask();

private:
    mode_t before_;
};

} // namespace mi::os
