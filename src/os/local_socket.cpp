// bind, listen, accept, connect on paths.
#include "os/local_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
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

Result<> remove_stale_socket(const std::string& path, int type) {
    struct stat about{};
    if (::lstat(path.c_str(), &about) != 0)
        return errno == ENOENT ? Result<>() : fault(errno, "look at", path);
    if (!S_ISSOCK(about.st_mode))
        return fault(EEXIST, "replace what is no socket", path);
    Result<sockaddr_un> address = local_address(path);
    if (!address)
        return std::unexpected(address.error());
    Fd probe(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe)
        return fault(errno, "make socket");
    // Its owner answers, even if only with "too many".
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0 ||
        (errno != ECONNREFUSED && errno != ENOENT))
        return fault(EADDRINUSE, "bind", path);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fault(errno, "remove stale socket", path);
    return {};
}

namespace {

struct Unbound {
    Fd fd;
    sockaddr_un address;
};

// A socket (non-blocking) for `path`, from which one that nobody answers at is gone.
Result<Unbound> make_for(const std::string& path, int type) {
    Result<sockaddr_un> address = local_address(path);
    if (!address)
        return std::unexpected(address.error());
    if (Result<> removed = remove_stale_socket(path, type); !removed)
        return std::unexpected(removed.error());
    Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return fault(errno, "make socket");
    return Unbound{std::move(fd), *address};
}

} // namespace

Result<Fd> listen_local(const std::string& path, mode_t mode, int backlog) {
    Result<Unbound> made = make_for(path, SOCK_STREAM);
    if (!made)
        return std::unexpected(made.error());
    auto& [fd, address] = *made;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fault(errno, "bind", path);
    // Nobody can connect before listen(2), so the mode is in force for the first who comes.
    if (::chmod(path.c_str(), mode) != 0)
        return fault(errno, "set the mode of", path);
    if (::listen(fd.get(), backlog) != 0)
        return fault(errno, "listen at", path);
    return std::move(fd);
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
    peer.groups.clear(); // before Linux 4.13: the one group has to do
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
    // For Unix sockets the sending limit is also that of connect(2), when the backlog is full.
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0)
        return fault(errno, "set the time limit of", path);
    while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
        if (errno != EINTR)
            return fault(errno, "connect to", path);
    return fd;
}

Result<Fd> bind_datagram(const std::string& path, std::optional<uid_t> owner) {
    Result<Unbound> made = make_for(path, SOCK_DGRAM);
    if (!made)
        return std::unexpected(made.error());
    auto& [fd, address] = *made;
    const int on = 1;
    // Asked for before anyone can write: a message without credentials could not be believed.
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return fault(errno, "ask for credentials on", path);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fault(errno, "bind", path);
    // bind(2) made it with our umask; connecting takes the right to write.
    if ((owner && ::lchown(path.c_str(), *owner, static_cast<gid_t>(-1)) != 0) ||
        ::chmod(path.c_str(), owner ? 0600 : 0666) != 0) {
        const int code = errno;
        ::unlink(path.c_str());
        return fault(code, "set owner and mode of", path);
    }
    return std::move(fd);
}

} // namespace mi::os
