// Telling whoever supervises us: to a path, to an abstract name, to nobody; never waiting.
#include "os/socket/notify_client.hpp"

#include "os/socket/local_socket.hpp"
#include "os/socket/packet.hpp"
#include "scene.hpp"

#include <cstddef>
#include <cstring>

using namespace mi;
using namespace mi::os;

TEST_CASE("what is said arrives at a path and at an abstract name, and is lost where nobody reads") {
    Scratch scratch;
    std::string path = scratch / "notify";
    bool abstract = false;
    SUBCASE("a path") {}
    SUBCASE("an abstract name") { abstract = true; }
    sockaddr_un address = local_address(path).value();
    socklen_t length = sizeof address;
    if (abstract) {
        address = {};
        address.sun_family = AF_UNIX;
        std::string name = "miniinit-test-" + std::to_string(::getpid());
        std::memcpy(address.sun_path + 1, name.data(), name.size());
        length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
        path = "@" + name;
    }
    Fd server(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(server.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
    NotifyClient client(path);
    CHECK(client.wanted());
    client.send("READY=1\nSTATUS=fine");
    char buffer[64];
    Packet packet = receive_packet(server.get(), buffer).value();
    CHECK(std::string(buffer, packet.size) == "READY=1\nSTATUS=fine");
    for (int i = 0; i < 10000; ++i) // more than any queue: it does not wait
        client.send("STATUS=again");
    server.reset();
    client.send("STOPPING=1");
}

TEST_CASE("where nobody wants to know nothing is opened") {
    for (const std::string& address : {std::string(), std::string("@"), std::string("/"), std::string("relative"),
                                       std::string("vsock:2:1"), "/" + std::string(200, 'x')}) {
        CAPTURE(address);
        NotifyClient client(address);
        CHECK_FALSE(client.wanted());
        client.send("READY=1");
    }
}
