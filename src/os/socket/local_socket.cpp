// Calls bind(2), listen(2), accept(2) and connect(2) on paths.
#include "os/socket/local_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace mi::os {

Result<sockaddr_un> local_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return fault(path.empty() ? EINVAL : ENAMETOOLONG, "use socket path", path);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

Result<LocalName> local_name(const std::string& name) {
    Result<sockaddr_un> address = local_address(name);
    if (!address)
        return std::unexpected(address.error());
    const bool abstract = name.front() == '@';
    if (abstract)
        address->sun_path[0] = '\0';
    const std::size_t size = offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1);
    return LocalName{*address, static_cast<socklen_t>(size)};
}

Mask::Mask(mode_t mode) : before_(::umask(~mode & 0777)) {}
Mask::~Mask() { ::umask(before_); }

namespace {

int bind_to(int socket, const sockaddr_un& address) {
    return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int connect_to(int socket, const sockaddr_un& address) {
    return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

// Removes the socket at `where` if no process listens there; a missing one is fine. `address` leads to it.
Result<> remove_stale(const WalkedFile& where, const sockaddr_un& address, int type, const std::string& path,
                      MountJudge* judge) {
    Result<Fd> there = where.look(judge);
    if (!there && there.error().code == ENOENT)
        return {};
    if (!there && there.error().code != ELOOP)
        return fault(there.error().code, "look at", path);
    struct stat about{};
    if (there && ::fstat(there->get(), &about) != 0)
        return fault(errno, "look at", path);
    if (!S_ISSOCK(about.st_mode))
        return fault(EEXIST, "replace what is no socket", path);
    Fd probe(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe)
        return fault(errno, "make socket");
    // Connect through the descriptor, so that this very socket answers. A listener with a full backlog answers, too
    // (EAGAIN).
    int code = connect_to(probe.get(), *local_address("/proc/self/fd/" + std::to_string(there->get())));
    if (code == ENOENT) // there is no /proc
        code = connect_to(probe.get(), address);
    if (code != ECONNREFUSED && code != ENOENT)
        return fault(EADDRINUSE, "bind", path);
    if (::unlinkat(where.directory(), where.name(), 0) != 0 && errno != ENOENT)
        return fault(errno, "remove stale socket", path);
    return {};
}

Result<Fd> local_socket(int type) {
    Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return fault(errno, "make socket");
    return fd;
}

} // namespace

Result<BoundFile> bind_local(int socket, const std::string& path, int type, mode_t mode, MountJudge* judge) {
    Result<sockaddr_un> address = local_address(path);
    if (!address)
        return std::unexpected(address.error());
    Result<WalkedFile> where = WalkedFile::find(path, judge);
    if (!where)
        return std::unexpected(where.error());
    {
        // bind(2) follows links in all but the last component, and crosses mounts. If another user could put one of
        // those in the way, we bind the bare name from inside the directory; getsockname(2) then returns that name.
        std::optional<WorkingDirectory> inside;
        if (where->can_be_bent()) {
            Result<WorkingDirectory> entered = WorkingDirectory::enter(where->directory());
            if (!entered)
                return std::unexpected(entered.error());
            inside.emplace(*std::move(entered));
            address = local_address(where->name());
        }
        if (Result<> removed = remove_stale(*where, *address, type, path, judge); !removed)
            return std::unexpected(removed.error());
        Mask mask(mode);
        if (bind_to(socket, *address) != 0)
            return fault(errno, "bind", path);
    }
    // Through a descriptor, so that a user who may write to the directory cannot swap the file.
    Result<Fd> file = where->look(judge);
    if (!file)
        return fault(file.error().code, "look at the socket file", path);
    BoundFile bound{*std::move(where), *std::move(file), {}};
    if (::fstat(bound.file.get(), &bound.about) != 0)
        return fault(errno, "look at the socket file", path);
    if (!S_ISSOCK(bound.about.st_mode) || bound.about.st_uid != ::geteuid() || bound.about.st_nlink != 1)
        return fault(EPERM, "take a socket file that somebody has replaced", path);
    return bound;
}

Result<> give_file(int file, std::optional<uid_t> user, std::optional<gid_t> group, const std::string& path) {
    if ((user || group) && ::fchownat(file, "", user.value_or(-1U), group.value_or(-1U), AT_EMPTY_PATH) != 0)
        return fault(errno, path.empty() ? "set the owner" : "set the owner of", path);
    return {};
}

Result<Fd> listen_local(const std::string& path, mode_t mode, int backlog) {
    Result<Fd> fd = local_socket(SOCK_STREAM);
    if (!fd)
        return fd;
    if (Result<BoundFile> bound = bind_local(fd->get(), path, SOCK_STREAM, mode); !bound)
        return std::unexpected(bound.error());
    if (::listen(fd->get(), backlog) != 0)
        return fault(errno, "listen at", path);
    return fd;
}

Result<std::optional<Fd>> accept_local(int listener) {
    for (;;) {
        Fd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (fd)
            return fd;
        if (errno == EAGAIN)
            return std::nullopt;
        if (errno != EINTR && errno != ECONNABORTED)
            return fault(errno, "accept connection");
    }
}

bool Peer::in_group(gid_t wanted) const { return gid == wanted || std::ranges::find(groups, wanted) != groups.end(); }

Result<Peer> peer_of(int connection) {
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return fault(errno, "ask who connects");
    Peer peer{who.pid, who.uid, who.gid, {}};
#ifdef SO_PEERGROUPS
    for (socklen_t room = 32 * sizeof(gid_t);;) {
        peer.groups.resize(room / sizeof(gid_t));
        size = room;
        if (::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size) == 0) {
            peer.groups.resize(size / sizeof(gid_t));
            return peer;
        }
        if (errno != ERANGE || size <= room)
            break;
        room = size;
    }
#endif
    peer.groups.clear(); // before Linux 4.13: only the one group is known
    return peer;
}

Result<Fd> connect_local(const std::string& path, Span timeout) {
    Result<sockaddr_un> address = local_address(path);
    if (!address)
        return std::unexpected(address.error());
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return fault(errno, "make socket");
    auto micros = std::chrono::duration_cast<std::chrono::microseconds>(timeout).count();
    timeval limit{static_cast<time_t>(micros / 1'000'000), static_cast<suseconds_t>(micros % 1'000'000)};
    // For Unix sockets the send timeout also limits connect(2), which waits while the backlog is full.
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0)
        return fault(errno, "set the time limit of", path);
    while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
        if (errno != EINTR)
            return fault(errno, "connect to", path);
    return fd;
}

Result<Fd> bind_datagram(const std::string& path, std::optional<uid_t> owner) {
    Result<Fd> fd = local_socket(SOCK_DGRAM);
    if (!fd)
        return fd;
    const int on = 1;
    // Set before bind, so that no message can arrive without credentials.
    if (::setsockopt(fd->get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return fault(errno, "ask for credentials on", path);
    // sendto(2) and connect(2) need write permission on the socket file.
    Result<BoundFile> bound = bind_local(fd->get(), path, SOCK_DGRAM, owner ? 0600 : 0666);
    if (!bound)
        return std::unexpected(bound.error());
    if (Result<> given = give_file(bound->file.get(), owner, std::nullopt, path); !given) {
        ::unlinkat(bound->where.directory(), bound->where.name(), 0);
        return std::unexpected(given.error());
    }
    return fd;
}

} // namespace mi::os
