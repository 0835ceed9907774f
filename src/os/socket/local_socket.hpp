// Unix sockets (unix(7)): the control socket, its clients, and datagram sockets.
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

// Listens at `path` (non-blocking). Replaces a socket that no process listens on. Fault EADDRINUSE: a process listens
// there; EEXIST: the file is no socket, and is never removed.
[[nodiscard]] Result<Fd> listen_local(const std::string& path, mode_t mode, int backlog = 128);

// The next connection (non-blocking, CLOEXEC); nullopt: none. Fault EMFILE, ENFILE, ENOMEM: try again when a descriptor
// was closed.
[[nodiscard]] Result<std::optional<Fd>> accept_local(int listener);

// The process at the other end at the time of its connect(2) (SO_PEERCRED).
struct Peer {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; // supplementary
    [[nodiscard]] bool in_group(gid_t wanted) const;
};
[[nodiscard]] Result<Peer> peer_of(int connection);

// Connects to `path` (blocking); `timeout` also limits each later read and write. Fault ENOENT, ECONNREFUSED: no
// process listens there; EAGAIN: the listener was busy for that long.
[[nodiscard]] Result<Fd> connect_local(const std::string& path, Span timeout);

// `path` as an address, for other kinds of socket. Fault ENAMETOOLONG: longer than 107 bytes.
[[nodiscard]] Result<sockaddr_un> local_address(const std::string& path);

// The address of a path, or of the abstract name after an `@` (unix(7)). Fault ENAMETOOLONG, EINVAL (empty).
struct LocalName {
    sockaddr_un bytes{};
    socklen_t size = 0;
};
[[nodiscard]] Result<LocalName> local_name(const std::string& name);

// A datagram socket at `path` (non-blocking) that reports the sender of each datagram (SO_PASSCRED). Only `owner` (and
// root) can send to it, or every user if `owner` is nullopt. Replaces a stale socket, with the same faults as
// listen_local.
[[nodiscard]] Result<Fd> bind_datagram(const std::string& path, std::optional<uid_t> owner);

// The result of bind_local.
struct BoundFile {
    WalkedFile where;
    Fd file; // O_PATH
    struct stat about;
};
// Binds `socket`, of type `type` (SOCK_STREAM or other), to `path`, which is walked as a path that a unit names; the
// file gets mode `mode` and is ours. Replaces a socket that no process listens on. Fault EADDRINUSE: a process listens
// there; EEXIST: the file is no socket, and is never removed; EXDEV: the path may hang, according to `judge`.
[[nodiscard]] Result<BoundFile> bind_local(int socket, const std::string& path, int type, mode_t mode,
                                           MountJudge* judge = nullptr);

// Gives the open file (O_PATH is enough) to a user, a group, or both; `path` is for messages, and may be empty.
[[nodiscard]] Result<> give_file(int file, std::optional<uid_t> user, std::optional<gid_t> group,
                                 const std::string& path);

// Sets umask(2) for the life of the object, so that bind(2) and mkfifo(2) give a file its final mode at once.
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
