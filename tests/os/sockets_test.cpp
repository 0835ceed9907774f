// Messages with descriptors, and sockets bound to paths.
#include "os/file/runtime.hpp"
#include "os/socket/local_socket.hpp"
#include "os/socket/notify_socket.hpp"
#include "os/socket/packet.hpp"
#include "scene.hpp"

#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <filesystem>
#include <thread>

using namespace mi;
using namespace mi::os;

namespace {

std::size_t open_count() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

} // namespace

TEST_CASE("a packet brings its bytes and its descriptors, up to 253") {
    PacketPair pair = make_packet_pair().value();
    char buffer[64];
    CHECK(receive_packet(pair.theirs.get(), buffer).error().code == EAGAIN);
    Pipe pipe = make_pipe().value();
    int one = pipe.read.get();
    REQUIRE(send_packet(pair.ours.get(), "hello", {&one, 1}));
    Packet got = receive_packet(pair.theirs.get(), buffer).value();
    CHECK(std::string(buffer, got.size) == "hello");
    REQUIRE(got.fds.size() == 1);
    CHECK(::fcntl(got.fds[0].get(), F_GETFD) == FD_CLOEXEC);
    CHECK(!got.sender);
    REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
    char letter = 0;
    CHECK(::read(got.fds[0].get(), &letter, 1) == 1);

    std::vector<int> many(most_descriptors, one);
    REQUIRE(send_packet(pair.ours.get(), "many", many));
    CHECK(receive_packet(pair.theirs.get(), buffer)->fds.size() == most_descriptors);
    many.push_back(one);
    CHECK(send_packet(pair.ours.get(), "more", many).error().code == E2BIG);
}

TEST_CASE("a packet that is cut short is a fault and leaves no descriptor behind") {
    PacketPair pair = make_packet_pair().value();
    char small[4];
    int one = pair.ours.get();
    std::size_t before = open_count();
    REQUIRE(send_packet(pair.ours.get(), "too long for it", {&one, 1}));
    CHECK(receive_packet(pair.theirs.get(), small).error().code == EMSGSIZE);
    CHECK(open_count() == before);
    REQUIRE(send_packet(pair.ours.get(), "next"));
    CHECK(receive_packet(pair.theirs.get(), small)->size == 4);
    pair.ours.reset();
    CHECK(receive_packet(pair.theirs.get(), small)->size == 0);
    CHECK(send_packet(pair.theirs.get(), "x").error().code == EPIPE);
}

TEST_CASE("sending to one who does not read would block, and says so") {
    PacketPair pair = make_packet_pair().value();
    Result<> sent;
    for (int i = 0; i < 100000 && sent; ++i)
        sent = send_packet(pair.ours.get(), "0123456789");
    CHECK(sent.error().code == EAGAIN);
}

TEST_CASE("a notification comes with its sender, and a bad one does not stop the next") {
    Scratch scratch;
    std::string path = scratch / "notify";
    NotifySocket socket = NotifySocket::bind(path).value();
    CHECK(!socket.receive().value());
    sockaddr_un address = local_address(path).value();
    Fd client(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    int one = client.get();
    REQUIRE(send_packet(client.get(), std::string(20000, 'x'), {&one, 1}));
    REQUIRE(send_packet(client.get(), "READY=1\nSTATUS=fine", {&one, 1}));
    NotifyMessage message = socket.receive().value().value();
    CHECK(message.long_);
    CHECK(message.text.empty());
    CHECK(message.fds.size() == 1); // whoever receives it sees to its end
    message = socket.receive().value().value();
    CHECK_FALSE(message.long_);
    CHECK(message.text == "READY=1\nSTATUS=fine");
    CHECK(message.pid == ::getpid());
    CHECK(message.uid == ::getuid());
    CHECK(message.fds.size() == 1);
    struct stat about{};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0666);
    CHECK(NotifySocket::bind(path).error().code == EADDRINUSE);
}

TEST_CASE("a notification whose descriptors do not fit is read all the same, and says so") {
    CHECK(aside([] {
        Scratch scratch;
        std::string path = scratch / "notify";
        NotifySocket socket = NotifySocket::bind(path).value();
        sockaddr_un address = local_address(path).value();
        Fd client(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            return false;
        std::vector<int> many(most_descriptors, client.get());
        bool sent = send_packet(client.get(), "READY=1", many) && send_packet(client.get(), "STOPPING=1");
        rlimit few{static_cast<rlim_t>(client.get() + 11), static_cast<rlim_t>(client.get() + 11)};
        ::setrlimit(RLIMIT_NOFILE, &few);
        NotifyMessage cut = socket.receive().value().value();
        NotifyMessage whole = socket.receive().value().value();
        return sent && cut.cut && cut.text == "READY=1" && cut.pid == ::getpid() && cut.fds.size() < most_descriptors &&
               !whole.cut && whole.text == "STOPPING=1";
    }));
}

TEST_CASE("a notify socket can be its owner's alone") {
    if (!is_root())
        return;
    Scratch scratch;
    std::string path = scratch / "notify";
    NotifySocket socket = NotifySocket::bind(path, 1234).value();
    struct stat about{};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK(about.st_uid == 1234);
    CHECK((about.st_mode & 0777) == 0600);
    for (uid_t user : {1234U, 1235U})
        CHECK(aside([&] {
                  Fd client(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
                  sockaddr_un address = local_address(path).value();
                  return ::setresuid(user, user, user) == 0 &&
                         ::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
              }) == (user == 1234U));
}

TEST_CASE("a listener replaces a stale socket, but no live one and nothing else") {
    Scratch scratch;
    std::string path = scratch / "control";
    {
        Fd first = listen_local(path, 0600).value();
        CHECK(listen_local(path, 0600).error().code == EADDRINUSE);
    }
    Fd second = listen_local(path, 0660).value();
    struct stat about{};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0660);
    std::string file = scratch.write("file", "precious");
    CHECK(listen_local(file, 0600).error().code == EEXIST);
    REQUIRE(::symlink(file.c_str(), (scratch / "link").c_str()) == 0);
    CHECK(listen_local(scratch / "link", 0600).error().code == EEXIST);
    CHECK(contents(file) == "precious");
    CHECK(listen_local(scratch / std::string(200, 'x'), 0600).error().code == ENAMETOOLONG);
    NotifySocket other = NotifySocket::bind(scratch / "notify").value();
    CHECK(listen_local(scratch / "notify", 0600).error().code == EADDRINUSE);
}

TEST_CASE("a connection knows its peer, and waiting has its limit") {
    Scratch scratch;
    std::string path = scratch / "control";
    CHECK(connect_local(path, std::chrono::milliseconds(50)).error().code == ENOENT);
    Fd listener = listen_local(path, 0600, 1).value();
    CHECK(!accept_local(listener.get()).value());
    Fd client = connect_local(path, std::chrono::milliseconds(50)).value();
    Fd server = accept_local(listener.get()).value().value();
    Peer peer = peer_of(server.get()).value();
    CHECK(peer.pid == ::getpid());
    CHECK(peer.uid == ::geteuid());
    CHECK(peer.in_group(::getegid()));
    CHECK(!peer.in_group(54321));
    char letter = 0;
    CHECK(::read(client.get(), &letter, 1) == -1);
    CHECK(errno == EAGAIN);
    std::vector<Fd> waiting;
    int code = 0;
    for (int i = 0; i < 10 && code == 0; ++i)
        if (Result<Fd> next = connect_local(path, std::chrono::milliseconds(50)))
            waiting.push_back(*std::move(next));
        else
            code = next.error().code;
    CHECK(code == EAGAIN);
}

TEST_CASE("files are replaced whole, and links planted in the way are not followed") {
    Scratch scratch;
    std::string path = scratch / "state";
    REQUIRE(write_file_atomically(path, "one", 0640));
    REQUIRE(write_file_atomically(path, "two", 0640));
    CHECK(read_file(path) == "two");
    struct stat about{};
    REQUIRE(::stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0640);
    std::string precious = scratch.write("precious", "mine");
    std::string planted = path + ".new" + std::to_string(::getpid());
    REQUIRE(::symlink(precious.c_str(), planted.c_str()) == 0);
    REQUIRE(write_file_atomically(path, "three"));
    CHECK(contents(precious) == "mine");
    CHECK(read_file(path) == "three");
    CHECK(read_file(path, 2).error().code == EFBIG);
    CHECK(read_file(scratch / "none").error().code == ENOENT);
    CHECK(write_file_atomically(scratch / "none/x", "x").error().code == ENOENT);

    CHECK(make_directory(scratch / "a/b/c", 0700));
    REQUIRE(::stat((scratch / "a/b/c").c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0700);
    CHECK(make_directory(scratch / "a/b/c", 0755));
    REQUIRE(::symlink("/tmp", (scratch / "planted").c_str()) == 0);
    CHECK(!make_directory(scratch / "planted", 0755));
    CHECK(!make_directory(precious, 0755));
    if (is_root()) {
        REQUIRE(::chown((scratch / "a/b").c_str(), 1234, 1234) == 0);
        CHECK(make_directory(scratch / "a/b", 0755).error().code == EPERM);
    }
}
