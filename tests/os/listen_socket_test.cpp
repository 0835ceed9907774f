// Sockets and named pipes that are listened at: each kind, what is at its path before and after, and what comes in.
#include "os/file/runtime.hpp"
#include "os/socket/listen_socket.hpp"
#include "os/socket/local_socket.hpp"
#include "scene.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

using namespace mi;
using namespace mi::os;

namespace {

using Kind = Endpoint::Kind;

// The port the kernel chose for an endpoint of port 0.
std::uint16_t port_of(int fd) {
    sockaddr_in6 address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin6_port); // at the same place in IPv4
}

int family_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return address.ss_family;
}

std::string address_of(int fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    char text[INET_ADDRSTRLEN];
    return ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
}

// A client's socket connected to `host`, or the errno.
Result<Fd> connect_to(const std::string& host, std::uint16_t port, int type = SOCK_STREAM) {
    bool v6 = host.find(':') != std::string::npos;
    Fd fd(::socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    if (v6)
        REQUIRE(::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1);
    else
        REQUIRE(::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1);
    const auto* address = v6 ? reinterpret_cast<const sockaddr*>(&six) : reinterpret_cast<const sockaddr*>(&four);
    if (::connect(fd.get(), address, v6 ? sizeof six : sizeof four) != 0)
        return fault(errno, "connect");
    return fd;
}

Result<Fd> connect_path(const std::string& path, int type) {
    sockaddr_un address = local_address(path).value();
    Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    socklen_t size = sizeof address;
    if (path.front() == '@') {
        address.sun_path[0] = '\0';
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    }
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
        return fault(errno, "connect");
    return fd;
}

bool has_ipv6() {
    Fd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

struct stat look_at(const std::string& path) {
    struct stat about{};
    REQUIRE(::lstat(path.c_str(), &about) == 0);
    return about;
}

std::string fault_of(const Endpoint& endpoint) {
    auto opened = ListenSocket::open(endpoint);
    return opened ? "none" : opened.error().text();
}

} // namespace

TEST_CASE("a stream socket of an IPv4 address takes connections, and tells who they are from") {
    ListenSocket socket = ListenSocket::open({.kind = Kind::stream, .address = "127.0.0.1:0"}).value();
    CHECK(::fcntl(socket.fd(), F_GETFD) == FD_CLOEXEC);
    CHECK((::fcntl(socket.fd(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK(!something_waits(socket.fd()));
    Fd client = connect_to("127.0.0.1", port_of(socket.fd())).value();
    CHECK(something_waits(socket.fd()));
    REQUIRE(set_blocking(socket.fd(), false));
    Connection connection = accept_connection(socket.fd()).value().value();
    CHECK(connection.remote.address == "127.0.0.1");
    CHECK(connection.remote.port == port_of(client.get()));
    CHECK(::fcntl(connection.fd.get(), F_GETFD) == FD_CLOEXEC);
    CHECK((::fcntl(connection.fd.get(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK(!accept_connection(socket.fd()).value());
    CHECK(socket.reachable());
}

TEST_CASE("an address is taken again at once, though connections of before are not over") {
    std::uint16_t port = 0;
    {
        ListenSocket first = ListenSocket::open({.kind = Kind::stream, .address = "127.0.0.1:0"}).value();
        port = port_of(first.fd());
        Fd client = connect_to("127.0.0.1", port).value();
        REQUIRE(set_blocking(first.fd(), false));
        CHECK(accept_connection(first.fd()).value()); // our end is closed first, and waits in TIME_WAIT
    }
    CHECK(ListenSocket::open({.kind = Kind::stream, .address = "127.0.0.1:" + std::to_string(port)}));
}

TEST_CASE("an address in use is told so, unless both share it") {
    ListenSocket socket =
        ListenSocket::open({.kind = Kind::stream, .address = "127.0.0.1:0", .reuse_port = true}).value();
    std::string address = "127.0.0.1:" + std::to_string(port_of(socket.fd()));
    CHECK(fault_of({.kind = Kind::stream, .address = address}) == "bind: Address already in use");
    CHECK(fault_of({.kind = Kind::stream, .address = address, .reuse_port = true}) == "none");
    ListenSocket datagrams = ListenSocket::open({.kind = Kind::datagram, .address = address}).value();
    CHECK(fault_of({.kind = Kind::datagram, .address = address}) == "bind: Address already in use");
}

TEST_CASE("an address that no interface has yet can be listened at") {
    CHECK(fault_of({.kind = Kind::stream, .address = "192.0.2.7:8099"}) == "none");
    CHECK(fault_of({.kind = Kind::datagram, .address = "192.0.2.7:8099"}) == "none");
    if (has_ipv6())
        CHECK(fault_of({.kind = Kind::stream, .address = "[2001:db8::7]:8099"}) == "none");
}

TEST_CASE("* is IPv6 and IPv4, [::] IPv6 alone, localhost 127.0.0.1") {
    ListenSocket local = ListenSocket::open({.kind = Kind::stream, .address = "localhost:0"}).value();
    CHECK(family_of(local.fd()) == AF_INET);
    CHECK(address_of(local.fd()) == "127.0.0.1");
    ListenSocket both = ListenSocket::open({.kind = Kind::stream, .address = "*:0"}).value();
    std::uint16_t port = port_of(both.fd());
    CHECK(connect_to("127.0.0.1", port));
    if (!has_ipv6())
        return;
    CHECK(family_of(both.fd()) == AF_INET6);
    CHECK(connect_to("::1", port));
    REQUIRE(set_blocking(both.fd(), false));
    CHECK(accept_connection(both.fd()).value()->remote.address == "127.0.0.1");
    CHECK(accept_connection(both.fd()).value()->remote.address == "::1");
    ListenSocket six = ListenSocket::open({.kind = Kind::stream, .address = "[::]:0"}).value();
    CHECK(connect_to("::1", port_of(six.fd())));
    CHECK(connect_to("127.0.0.1", port_of(six.fd())).error().code == ECONNREFUSED);
    // So the two of them may have the same port.
    CHECK(ListenSocket::open({.kind = Kind::stream, .address = "0.0.0.0:" + std::to_string(port_of(six.fd()))}));
    ListenSocket loopback = ListenSocket::open({.kind = Kind::datagram, .address = "[::1]:0"}).value();
    CHECK(family_of(loopback.fd()) == AF_INET6);
}

TEST_CASE("a port that needs a privilege says which step was refused") {
    if (!is_root())
        return;
    CHECK(aside([] {
        if (::setresuid(65534, 65534, 65534) != 0)
            return false;
        std::string told = fault_of({.kind = Kind::stream, .address = "127.0.0.1:81"});
        std::string threshold = contents("/proc/sys/net/ipv4/ip_unprivileged_port_start");
        return told == (std::atoi(threshold.c_str()) > 81 ? "bind: Permission denied" : "none");
    }));
}

TEST_CASE("a path is a socket of the mode asked for, and goes with it") {
    Scratch scratch;
    for (auto [kind, type] : {std::pair{Kind::stream, SOCK_STREAM}, std::pair{Kind::datagram, SOCK_DGRAM},
                              std::pair{Kind::sequential_packet, SOCK_SEQPACKET}}) {
        std::string path = scratch / "made/for/it/socket";
        ListenSocket socket = ListenSocket::open({.kind = kind, .address = path, .mode = 0620}).value();
        CHECK((look_at(path).st_mode & 07777) == 0620);
        CHECK((look_at(scratch / "made/for").st_mode & 07777) == 0755);
        CHECK(connect_path(path, type));
        CHECK(socket.reachable());
        socket.remove();
        CHECK(::access(path.c_str(), F_OK) != 0);
        CHECK(!socket.reachable());
    }
    CHECK(::umask(022) == 022);
}

TEST_CASE("a local stream socket tells the name its client has, if it has one") {
    Scratch scratch;
    ListenSocket socket = ListenSocket::open({.kind = Kind::stream, .address = scratch / "socket"}).value();
    REQUIRE(set_blocking(socket.fd(), false));
    Fd client = connect_path(scratch / "socket", SOCK_STREAM).value();
    Connection nameless = accept_connection(socket.fd()).value().value();
    CHECK(nameless.remote.address.empty());
    CHECK(nameless.remote.port == 0);
    ListenSocket named = ListenSocket::open({.kind = Kind::stream, .address = scratch / "client"}).value();
    Fd other(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un own = local_address(scratch / "own").value(), to = local_address(scratch / "socket").value();
    REQUIRE(::bind(other.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    REQUIRE(::connect(other.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    CHECK(accept_connection(socket.fd()).value()->remote.address == scratch / "own");
}

TEST_CASE("an owner is set before anybody can connect") {
    Scratch scratch;
    if (!is_root())
        return;
    Endpoint endpoint{.kind = Kind::stream, .address = scratch / "socket", .mode = 0600, .user = 1234, .group = 5678};
    ListenSocket socket = ListenSocket::open(endpoint).value();
    CHECK(look_at(endpoint.address).st_uid == 1234);
    CHECK(look_at(endpoint.address).st_gid == 5678);
    endpoint = {.kind = Kind::fifo, .address = scratch / "fifo", .mode = 0640, .group = 5678};
    ListenSocket fifo = ListenSocket::open(endpoint).value();
    CHECK(look_at(endpoint.address).st_uid == 0);
    CHECK(look_at(endpoint.address).st_gid == 5678);
    CHECK((look_at(endpoint.address).st_mode & 07777) == 0640);
}

TEST_CASE("an owner that cannot be set is told, and leaves no socket behind") {
    Scratch scratch;
    ::chmod(scratch.path().c_str(), 0777);
    if (!is_root())
        return;
    CHECK(aside([&] {
        if (::setresuid(65534, 65534, 65534) != 0)
            return false;
        std::string path = scratch / "socket";
        return fault_of({.kind = Kind::stream, .address = path, .user = 0}) ==
                   "set the owner: Operation not permitted" &&
               ::access(path.c_str(), F_OK) != 0;
    }));
}

TEST_CASE("a socket that nobody listens at is replaced; a live one and anything else are not") {
    Scratch scratch;
    std::string path = scratch / "socket";
    {
        ListenSocket first = ListenSocket::open({.kind = Kind::stream, .address = path}).value();
    }
    CHECK(S_ISSOCK(look_at(path).st_mode)); // closed, not removed
    ListenSocket second = ListenSocket::open({.kind = Kind::stream, .address = path}).value();
    CHECK(fault_of({.kind = Kind::stream, .address = path}) == "bind: Address already in use");
    CHECK(connect_path(path, SOCK_STREAM));
    std::string file = scratch.write("file", "precious");
    CHECK(fault_of({.kind = Kind::stream, .address = file}) == "replace what is no socket: File exists");
    REQUIRE(::symlink(file.c_str(), (scratch / "link").c_str()) == 0);
    CHECK(ListenSocket::open({.kind = Kind::datagram, .address = scratch / "link"}).error().code == EEXIST);
    CHECK(contents(file) == "precious");
    CHECK(fault_of({.kind = Kind::stream, .address = file + "/below"}) == "reach: Not a directory");
}

TEST_CASE("a path that leads to something else by now is left alone") {
    Scratch scratch;
    std::string path = scratch / "socket";
    ListenSocket socket = ListenSocket::open({.kind = Kind::stream, .address = path}).value();
    REQUIRE(::unlink(path.c_str()) == 0);
    CHECK(!socket.reachable());
    scratch.write("socket", "not ours");
    CHECK(!socket.reachable());
    socket.remove();
    CHECK(contents(path) == "not ours");
}

TEST_CASE("an abstract name is listened at without a file") {
    std::string name = "@miniinit-test-" + std::to_string(::getpid());
    ListenSocket socket = ListenSocket::open({.kind = Kind::sequential_packet, .address = name}).value();
    CHECK(connect_path(name, SOCK_SEQPACKET));
    CHECK(socket.reachable());
    CHECK(fault_of({.kind = Kind::sequential_packet, .address = name}) == "bind: Address already in use");
    socket.remove();
}

TEST_CASE("a FIFO is made with its mode, holds what is written, and is never at its end") {
    Scratch scratch;
    std::string path = scratch / "fifo";
    ListenSocket fifo = ListenSocket::open({.kind = Kind::fifo, .address = path, .mode = 0622}).value();
    CHECK(S_ISFIFO(look_at(path).st_mode));
    CHECK((look_at(path).st_mode & 07777) == 0622);
    CHECK(!something_waits(fifo.fd()));
    {
        Fd writer(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
        REQUIRE(::write(writer.get(), "x", 1) == 1);
    }
    CHECK(something_waits(fifo.fd()));
    char letter = 0;
    CHECK(::read(fifo.fd(), &letter, 1) == 1);
    REQUIRE(set_blocking(fifo.fd(), false));
    CHECK(::read(fifo.fd(), &letter, 1) == -1);
    CHECK(errno == EAGAIN);
    fifo.remove();
    CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a FIFO that is there is used and stays, if it is ours; anything else is refused") {
    Scratch scratch;
    std::string path = scratch / "fifo";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    {
        ListenSocket fifo = ListenSocket::open({.kind = Kind::fifo, .address = path, .mode = 0640}).value();
        CHECK((look_at(path).st_mode & 07777) == 0640);
        fifo.remove();
    }
    CHECK(::access(path.c_str(), F_OK) == 0);
    std::string file = scratch.write("file", "precious");
    CHECK(fault_of({.kind = Kind::fifo, .address = file}) == "use what is no FIFO: File exists");
    REQUIRE(::symlink(path.c_str(), (scratch / "link").c_str()) == 0);
    CHECK(fault_of({.kind = Kind::fifo, .address = scratch / "link"}) == "use what is no FIFO: File exists");
    REQUIRE(::link(path.c_str(), (scratch / "second").c_str()) == 0);
    CHECK(fault_of({.kind = Kind::fifo, .address = path}) == "use a FIFO of somebody else: Operation not permitted");
    REQUIRE(::unlink((scratch / "second").c_str()) == 0);
    if (is_root()) {
        REQUIRE(::chown(path.c_str(), 1234, 0) == 0);
        CHECK(fault_of({.kind = Kind::fifo, .address = path}) ==
              "use a FIFO of somebody else: Operation not permitted");
        CHECK(fault_of({.kind = Kind::fifo, .address = path, .user = 1234}) == "none");
    }
}

TEST_CASE("nothing is listened at, looked for or removed on a file system that may hang") {
    Scratch scratch;
    HangingMounts mounts(mounts_with_foreign_proc(scratch));
    std::filesystem::create_symlink("/proc/self", scratch / "link");
    for (Kind kind : {Kind::stream, Kind::fifo})
        for (const std::string& path : {std::string("/proc/self/x"), scratch / "link/x"}) {
            MountJudge judge(&mounts);
            CHECK(ListenSocket::open({.kind = kind, .address = path}, &judge).error().code == EXDEV);
            REQUIRE(judge.untouched());
            CHECK(judge.untouched()->text() == "it lies on FUSE file system /proc (fuse.sshfs)");
        }
    MountJudge judge(&mounts), other(&mounts);
    ListenSocket socket = ListenSocket::open({.address = scratch / "socket"}, &judge).value();
    CHECK(socket.reachable(&judge));
    ListenSocket covered =
        ListenSocket::adopt(Fd(), {.path = "/proc/self/stat", .device = 1, .inode = 1, .made_path = true});
    CHECK_FALSE(covered.reachable(&other));
    covered.remove(&other);
    CHECK(other.untouched());
    socket.remove(&judge);
    CHECK(::access((scratch / "socket").c_str(), F_OK) != 0);
}
