// Turns an address into a listening descriptor.
#include "os/socket/listen_socket.hpp"

#include "base/text.hpp"
#include "base/unreachable.hpp"
#include "os/file/runtime.hpp"
#include "os/socket/local_socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>

namespace mi::os {
namespace {

constexpr int ipv6_freebind = 78; // IPV6_FREEBIND, Linux 4.15

// Any kind of socket address.
union Address {
    sockaddr_storage room; // the first member, so that `{}` sets all bytes to zero
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
};

int socket_type(Endpoint::Kind kind) {
    switch (kind) {
    case Endpoint::Kind::stream: return SOCK_STREAM;
    case Endpoint::Kind::datagram: return SOCK_DGRAM;
    case Endpoint::Kind::sequential_packet: return SOCK_SEQPACKET;
    case Endpoint::Kind::fifo: break;
    }
    unreachable("a FIFO is no socket, and there is no other kind");
}

Result<> set(int fd, int level, int option, std::string_view doing) {
    int on = 1;
    return ::setsockopt(fd, level, option, &on, sizeof on) == 0 ? Result<>() : fault(errno, doing);
}

Result<> start_listening(int fd, const Endpoint& endpoint) {
    if (endpoint.kind == Endpoint::Kind::datagram)
        return {};
    // The kernel reduces this to net.core.somaxconn.
    if (::listen(fd, endpoint.backlog > 0 ? endpoint.backlog : INT_MAX) != 0)
        return fault(errno, "listen");
    return {};
}

// `host` and `port` as an IPv6 or IPv4 address; nullopt if the host has no address of that kind.
std::optional<Address> network_address(const std::string& host, std::uint16_t port, bool v6) {
    Address address{};
    const bool any = host == "*", local = host == "localhost";
    if (v6) {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
        std::string number = local ? "::1" : any ? "::" : bracketed ? host.substr(1, host.size() - 2) : "";
        if (::inet_pton(AF_INET6, number.c_str(), &address.v6.sin6_addr) != 1)
            return std::nullopt;
        return address;
    }
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(port);
    std::string number = local ? "127.0.0.1" : any ? "0.0.0.0" : host;
    if (::inet_pton(AF_INET, number.c_str(), &address.v4.sin_addr) != 1)
        return std::nullopt;
    return address;
}

Result<Fd> bind_network(const Endpoint& endpoint, const Address& address, bool both) {
    const bool v6 = address.any.sa_family == AF_INET6;
    Fd fd(::socket(address.any.sa_family, socket_type(endpoint.kind) | SOCK_CLOEXEC, 0));
    if (!fd)
        return fault(errno, "make socket");
    int v6_only = both ? 0 : 1;
    if (v6 && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only) != 0)
        return fault(errno, "set IPV6_V6ONLY");
    // SO_REUSEADDR: connections of an earlier socket may still be closing. Not for datagrams, where it would let two
    // programs bind the same port.
    if (endpoint.kind == Endpoint::Kind::stream)
        if (Result<> done = set(fd.get(), SOL_SOCKET, SO_REUSEADDR, "set SO_REUSEADDR"); !done)
            return std::unexpected(done.error());
    if (endpoint.reuse_port)
        if (Result<> done = set(fd.get(), SOL_SOCKET, SO_REUSEPORT, "set SO_REUSEPORT"); !done)
            return std::unexpected(done.error());
    // If the kernel refuses this, the address must exist already.
    (void)set(fd.get(), v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? ipv6_freebind : IP_FREEBIND, "set IP_FREEBIND");
    if (::bind(fd.get(), &address.any, v6 ? sizeof address.v6 : sizeof address.v4) != 0)
        return fault(errno, "bind");
    return fd;
}

// Whether the error means that this machine does not have that version of IP.
bool means_no_such_ip(int code) {
    return code == EAFNOSUPPORT || code == EADDRNOTAVAIL || code == EPROTONOSUPPORT || code == ENOPROTOOPT;
}

// Device and inode identify the object at a path.
bool is_inode(const struct stat& about, std::uint64_t device, std::uint64_t inode) {
    return about.st_dev == device && about.st_ino == inode;
}

// Drops the address from a fault if the caller adds it anyway.
Fault without_address(Fault fault, const std::string& address) {
    if (fault.about == address)
        fault.about.clear();
    return fault;
}

} // namespace

Result<ListenSocket> ListenSocket::open(const Endpoint& endpoint, MountJudge* judge) {
    ListenSocket socket;
    Result<> opened = endpoint.kind == Endpoint::Kind::fifo ? socket.open_fifo(endpoint, judge)
                      : endpoint.address.starts_with('/') || endpoint.address.starts_with('@')
                          ? socket.open_local(endpoint, judge)
                          : socket.open_network(endpoint);
    if (!opened) {
        socket.remove(judge);
        return std::unexpected(without_address(opened.error(), endpoint.address));
    }
    return socket;
}

Result<> ListenSocket::open_network(const Endpoint& endpoint) {
    std::size_t colon = endpoint.address.rfind(':');
    std::optional<std::uint16_t> port;
    if (colon != std::string::npos)
        port = to_number<std::uint16_t>(std::string_view(endpoint.address).substr(colon + 1));
    std::string host = endpoint.address.substr(0, colon);
    if (!port || endpoint.kind == Endpoint::Kind::sequential_packet)
        return fault(EINVAL, "understand the address");
    const bool both = host == "*", v6_first = host != "localhost";
    Result<Fd> bound = fault(EINVAL, "understand the address");
    for (bool v6 : {v6_first, !v6_first})
        if (std::optional<Address> address = network_address(host, *port, v6)) {
            bound = bind_network(endpoint, *address, both);
            if (bound || !means_no_such_ip(bound.error().code))
                break;
        }
    if (!bound)
        return std::unexpected(bound.error());
    fd_ = *std::move(bound);
    return start_listening(fd_.get(), endpoint);
}

Result<> ListenSocket::open_local(const Endpoint& endpoint, MountJudge* judge) {
    const std::string& name = endpoint.address;
    const int type = socket_type(endpoint.kind);
    fd_ = Fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (!fd_)
        return fault(errno, "make socket");
    if (name.front() == '@') {
        Result<LocalName> address = local_name(name);
        if (!address)
            return std::unexpected(address.error());
        if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address->bytes), address->size) != 0)
            return fault(errno, "bind");
        return start_listening(fd_.get(), endpoint);
    }
    if (Result<> made = make_walked_parents(name, judge); !made)
        return made;
    Result<BoundFile> bound = bind_local(fd_.get(), name, type, endpoint.mode, judge);
    if (!bound)
        return std::unexpected(bound.error());
    note_path(name, bound->about, true);
    // No client can connect before listen(2). A datagram could arrive earlier: its mode is in force, and until now the
    // socket was ours.
    if (Result<> given = give_file(bound->file.get(), endpoint.user, endpoint.group, {}); !given)
        return given;
    return start_listening(fd_.get(), endpoint);
}

Result<> ListenSocket::open_fifo(const Endpoint& endpoint, MountJudge* judge) {
    const std::string& path = endpoint.address;
    if (Result<> made = make_walked_parents(path, judge); !made)
        return made;
    Result<WalkedFile> where = WalkedFile::find(path, judge);
    if (!where)
        return std::unexpected(where.error());
    const bool made = ::mkfifoat(where->directory(), where->name(), 0600) == 0;
    if (!made && errno != EEXIST)
        return fault(errno, "make FIFO");
    const Result<Fd> there = where->look(judge);
    struct stat about{};
    if (!there && there.error().code != ELOOP)
        return fault(there.error().code, "look at FIFO");
    if (there && ::fstat(there->get(), &about) != 0)
        return fault(errno, "look at FIFO");
    if (!S_ISFIFO(about.st_mode)) // opening any other file may have an effect
        return fault(EEXIST, "use what is no FIFO");
    note_path(path, about, made);
    // Open for writing, too: so the FIFO never reaches end of file when its writers come and go.
    constexpr int how = O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const long opened = open_again(there->get(), how);
    if (opened < 0 && opened != -ENOENT)
        return fault(static_cast<int>(-opened), "open FIFO");
    fd_ = Fd(opened >= 0 ? static_cast<int>(opened) // without /proc, the path itself is opened
                         : ::openat(where->directory(), where->name(), how | O_NOFOLLOW));
    if (!fd_)
        return fault(errno, "open FIFO");
    if (::fstat(fd_.get(), &about) != 0)
        return fault(errno, "look at FIFO");
    if (!is_inode(about, device_, inode_))
        return fault(EPERM, "use a FIFO that somebody has replaced");
    bool of_user = endpoint.user && about.st_uid == *endpoint.user;
    if ((about.st_uid != ::geteuid() && !of_user) || about.st_nlink != 1)
        return fault(EPERM, "use a FIFO of somebody else");
    if (Result<> given = give_file(fd_.get(), endpoint.user, endpoint.group, {}); !given)
        return given;
    if (::fchmod(fd_.get(), endpoint.mode) != 0)
        return fault(errno, "set the mode");
    return set_blocking(fd_.get(), true);
}

void ListenSocket::note_path(const std::string& path, const struct stat& about, bool made) {
    path_ = path;
    device_ = about.st_dev;
    inode_ = about.st_ino;
    made_path_ = made;
}

ListenSocket ListenSocket::adopt(Fd fd, Place place) {
    ListenSocket socket;
    socket.fd_ = std::move(fd);
    socket.path_ = std::move(place.path);
    socket.device_ = place.device;
    socket.inode_ = place.inode;
    socket.made_path_ = place.made_path;
    return socket;
}

// The place that `path_` leads to, if our socket is still there.
std::optional<WalkedFile> ListenSocket::find(MountJudge* judge) const {
    Result<WalkedFile> where = WalkedFile::find(path_, judge);
    Result<Fd> there = where ? where->look(judge) : std::unexpected(where.error());
    struct stat about{};
    if (there && ::fstat(there->get(), &about) == 0 && is_inode(about, device_, inode_))
        return *std::move(where);
    return std::nullopt;
}

bool ListenSocket::reachable(MountJudge* judge) const { return path_.empty() || find(judge); }

void ListenSocket::remove(MountJudge* judge) {
    // If it is gone or belongs to another program now, there is nothing to remove.
    if (made_path_)
        if (std::optional<WalkedFile> where = find(judge))
            (void)::unlinkat(where->directory(), where->name(), 0);
    made_path_ = false;
}

// --- incoming connections and data
// --------------------------------------------------------------------------------------

static Remote remote_of(const Address& address, socklen_t size) {
    Remote remote;
    char text[INET6_ADDRSTRLEN] = "";
    switch (address.any.sa_family) {
    case AF_INET:
        if (::inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text) != nullptr)
            remote.address = text;
        remote.port = ntohs(address.v4.sin_port);
        break;
    case AF_INET6:
        // Shows an IPv4 client of a dual-stack socket with its IPv4 address.
        if (IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr)
                ? ::inet_ntop(AF_INET, &address.v6.sin6_addr.s6_addr[12], text, sizeof text) != nullptr
                : ::inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text) != nullptr)
            remote.address = text;
        remote.port = ntohs(address.v6.sin6_port);
        break;
    case AF_UNIX:
        if (constexpr std::size_t before = offsetof(sockaddr_un, sun_path); size > before) {
            remote.address.assign(address.local.sun_path, size - before);
            if (remote.address.front() == '\0')
                remote.address.front() = '@';
            remote.address = remote.address.substr(0, remote.address.find('\0'));
        }
        break;
    default: break;
    }
    return remote;
}

Result<std::optional<Connection>> accept_connection(int listener) {
    for (;;) {
        Address address{};
        socklen_t size = sizeof address.room;
        Fd fd(::accept4(listener, &address.any, &size, SOCK_CLOEXEC));
        if (fd)
            return Connection{std::move(fd), remote_of(address, size)};
        switch (errno) {
        case EAGAIN: return std::nullopt;
        // The error of a single connection, which is now gone from the queue (accept(2), "Error handling"), or a
        // signal: take the next connection.
        case EINTR:
        case ECONNABORTED:
        case EPERM:
        case EPROTO:
        case ENOPROTOOPT:
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ENONET:
        case ETIMEDOUT: break;
        default: return fault(errno, "accept connection");
        }
    }
}

bool something_waits(int fd) {
    pollfd look{fd, POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
}

Result<> has_room(std::size_t count) {
    std::array<Fd, 16> taken;
    for (std::size_t i = 0; i < std::min(count, taken.size()); ++i) {
        taken[i] = Fd(::eventfd(0, EFD_CLOEXEC));
        if (!taken[i])
            return fault(errno, "make descriptors");
    }
    return {};
}

} // namespace mi::os
