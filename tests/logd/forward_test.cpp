// Lines for a syslog server: the messages, the queue, servers that are away. (tests/system has the whole way.)
#include <arpa/inet.h>
#include <doctest/doctest.h>

#include "harness.hpp"
#include "logd/forward.hpp"

using namespace mi;
using namespace mi::logd;
using namespace mi::logd::test;

namespace {

constexpr std::string_view stamp = "2026-11-22T04:10:01.123456Z";

std::string line_of(std::string_view rest) { return std::string(stamp) + ' ' + std::string(rest) + '\n'; }

std::string forwarded(std::string_view unit, std::string_view rest, bool counted = false) {
    const std::string line = line_of(rest);
    auto parsed = logs::parse_line(std::string_view(line).substr(0, line.size() - 1));
    REQUIRE(parsed);
    std::string message;
    put_forwarded(message, "box", unit, *parsed, 7, counted);
    return message;
}

// Something that listens on loopback.
class Server {
public:
    explicit Server(bool stream, std::uint16_t port = 0)
        : socket_(::socket(AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0)) {
        const int on = 1;
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        if (stream)
            REQUIRE(::listen(socket_.get(), 5) == 0);
        socklen_t size = sizeof address;
        REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port_ = ntohs(address.sin_port);
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int fd() const { return socket_.get(); }
    [[nodiscard]] Fd accept() const { return Fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

private:
    Fd socket_;
    std::uint16_t port_ = 0;
};

// What can be read of `socket` until it has `count` of `word`; ten seconds at most.
std::string read_until(int socket, std::string_view word, std::size_t count) {
    std::string all;
    for (std::size_t found = 0; found < count;) {
        pollfd one{socket, POLLIN, 0};
        if (::poll(&one, 1, 10'000) != 1)
            break;
        char bytes[65536];
        const ssize_t size = ::recv(socket, bytes, sizeof bytes, 0);
        if (size <= 0)
            break;
        all.append(bytes, static_cast<std::size_t>(size));
        found = 0;
        for (std::size_t at = 0; (at = all.find(word, at)) != std::string::npos; at += word.size())
            ++found;
    }
    return all;
}

// Messages with their counts, taken apart; what is left is no whole one.
std::vector<std::string> messages_in(std::string_view text) {
    std::vector<std::string> all;
    for (;;) {
        const std::size_t blank = text.find(' ');
        if (blank == text.npos)
            return all;
        const std::size_t size = std::stoul(std::string(text.substr(0, blank)));
        if (text.size() < blank + 1 + size)
            return all;
        all.emplace_back(text.substr(blank + 1, size));
        text.remove_prefix(blank + 1 + size);
    }
}

Instant moment(int seconds) { return {std::chrono::seconds(seconds)}; }

} // namespace

TEST_CASE(
    "a line becomes a message of RFC 5424: unit, source and PID in their places, facility and priority in its PRI") {
    const std::string head = "1 " + std::string(stamp) + " box ";
    CHECK(forwarded("web", "info out: hello") == "<30>" + head + "web - out [meta sequenceId=\"7\"] hello");
    CHECK(forwarded("web", "err init: failed") == "<27>" + head + "web - init [meta sequenceId=\"7\"] failed");
    CHECK(forwarded("ssh", "info syslog.auth: sshd[12]: in") ==
          "<38>" + head + "ssh 12 syslog [meta sequenceId=\"7\"] sshd[12]: in");
    CHECK(forwarded("kernel", "warning kernel: oops") == "<4>" + head + "kernel - kernel [meta sequenceId=\"7\"] oops");
    CHECK(forwarded("a b\n\xff", "info syslog: x y[1]: z").find(" box a_b__ - syslog ") != std::string::npos);
    const std::string counted = forwarded("web", "info out: hello", true);
    CHECK(counted == "75 <30>" + head + "web - out [meta sequenceId=\"7\"] hello");
    CHECK(counted.size() == 3 + 75);
}

TEST_CASE("a server is a number, or a name that hosts(5) knows") {
    Scratch scratch;
    const std::string hosts = scratch.path / "hosts";
    std::ofstream(hosts)
        << "# comment\n127.0.0.1 localhost\n192.0.2.7\tLoghost.example loghost # ours\n2001:db8::7 six\nbad bad\n";
    auto address = [&](std::string_view server) {
        auto found = find_server(server, hosts);
        char text[INET6_ADDRSTRLEN] = "";
        if (!found)
            return found.error().text();
        if (found->address.ss_family == AF_INET) {
            auto* v4 = reinterpret_cast<sockaddr_in*>(&found->address);
            ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
            return std::string(text) + " " + std::to_string(ntohs(v4->sin_port)) + (found->stream ? " tcp" : " udp");
        }
        ::inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6*>(&found->address)->sin6_addr, text, sizeof text);
        return std::string(text);
    };
    CHECK(address("udp://192.0.2.1:514") == "192.0.2.1 514 udp");
    CHECK(address("tcp://loghost:601") == "192.0.2.7 601 tcp");
    CHECK(address("tcp://LOGHOST.EXAMPLE:601") == "192.0.2.7 601 tcp");
    CHECK(address("tcp://[2001:db8::1]:601") == "2001:db8::1");
    CHECK(address("tcp://six:601") == "2001:db8::7");
    CHECK(address("tcp://nobody:601").find("/etc/hosts") != std::string::npos);
    for (std::string_view bad :
         {"tcp://bad:601", "http://192.0.2.1:514", "udp://192.0.2.1", "udp://192.0.2.1:0", "udp://:1", ""})
        CHECK_FALSE(find_server(bad, hosts));
}

TEST_CASE("lines wait for a server that is not there, and are all there when it comes") {
    std::uint16_t port = 0;
    {
        port = Server(true).port();
    }
    Forwarder forwarder("tcp://127.0.0.1:" + std::to_string(port), 1 << 20);
    forwarder.run(moment(0));
    CHECK(forwarder.fd() < 0); // nothing to send, nobody to connect to
    CHECK(forwarder.next_try() == never);
    for (int i = 0; i < 100; ++i)
        forwarder.take("web", line_of("info out: number " + std::to_string(i)));
    forwarder.run(moment(1));
    for (int i = 0; i < 100 && forwarder.fd() >= 0; ++i) // the refusal may take a moment
        forwarder.run(moment(1));
    CHECK(forwarder.take_trouble().find("Connection refused") != std::string::npos);
    CHECK(forwarder.next_try() > moment(1));
    const Server server(true, port);
    forwarder.run(forwarder.next_try());
    const Fd connection = server.accept();
    forwarder.run(moment(3));
    auto messages = messages_in(read_until(connection.get(), "number ", 100));
    REQUIRE(messages.size() == 100);
    for (int i = 0; i < 100; ++i)
        CHECK(messages[static_cast<std::size_t>(i)].ends_with("\"] number " + std::to_string(i)));
    forwarder.run(moment(4));
    CHECK(forwarder.idle());
    CHECK(forwarder.take_trouble().find("works again") != std::string::npos);
}

TEST_CASE("a server that closes gets what may not have arrived once more, from the beginning of a message") {
    const Server server(true);
    Forwarder forwarder("tcp://127.0.0.1:" + std::to_string(server.port()), 8 << 20);
    for (int i = 0; i < 20'000; ++i)
        forwarder.take("web", line_of("info out: number " + std::to_string(i) + std::string(60, '.')));
    forwarder.run(moment(0));
    Fd connection = server.accept();
    for (int i = 0; i < 10; ++i)
        forwarder.run(moment(0)); // until its socket is full
    char some[10'000];
    REQUIRE(::recv(connection.get(), some, sizeof some, MSG_WAITALL) == sizeof some);
    connection.reset(); // with much unread: what it has is lost, and we are told
    int tries = 1;
    for (; tries < 1'000 && forwarder.next_try() == never; ++tries)
        forwarder.run(moment(1));
    CHECK(forwarder.next_try() != never);
    forwarder.run(forwarder.next_try());
    connection = server.accept();
    std::string all;
    while (!forwarder.idle()) {
        forwarder.run(moment(5));
        pollfd one{connection.get(), POLLIN, 0};
        char bytes[65536];
        if (::poll(&one, 1, 100) == 1)
            if (const ssize_t size = ::recv(connection.get(), bytes, sizeof bytes, 0); size > 0)
                all.append(bytes, static_cast<std::size_t>(size));
    }
    all += read_until(connection.get(), "number 19999.", all.find("number 19999.") == std::string::npos ? 1 : 0);
    auto messages = messages_in(all);
    REQUIRE(!messages.empty());
    auto number = [](const std::string& message) { return std::stoi(message.substr(message.find("number ") + 7)); };
    const int first = number(messages.front());
    CHECK(first > 0); // not everything again
    for (std::size_t i = 0; i < messages.size(); ++i)
        REQUIRE(number(messages[i]) == first + static_cast<int>(i));
    CHECK(number(messages.back()) == 19'999);
}

TEST_CASE("what finds no room is counted, and the server and PID 1 are told once there is some again") {
    std::uint16_t port = 0;
    {
        port = Server(true).port();
    }
    Forwarder forwarder("tcp://127.0.0.1:" + std::to_string(port), 4096);
    for (int i = 0; i < 100; ++i)
        forwarder.take("web", line_of("info out: number " + std::to_string(i)));
    const Server server(true, port);
    forwarder.run(moment(0));
    const Fd connection = server.accept();
    forwarder.run(moment(1));
    forwarder.take("web", line_of("info out: the last"));
    forwarder.run(moment(2));
    auto messages = messages_in(read_until(connection.get(), "the last", 1));
    REQUIRE(messages.size() > 3);
    CHECK(messages.back().ends_with("the last"));
    const std::string& told = messages[messages.size() - 2];
    const std::size_t there = messages.size() - 2;
    CHECK(told.find(std::to_string(100 - there) + " lines are missing here") != std::string::npos);
    CHECK(forwarder.take_trouble().find("are missing") != std::string::npos);
}

TEST_CASE("by UDP a message is a datagram, and a server that refuses costs one a try") {
    const Server server(false);
    Forwarder forwarder("udp://127.0.0.1:" + std::to_string(server.port()), 1 << 20);
    forwarder.take("web", line_of("info out: one") + line_of("info out: " + std::string(20'000, 'x')));
    forwarder.run(moment(0));
    char bytes[65536];
    CHECK(::recv(server.fd(), bytes, sizeof bytes, 0) == 72);
    CHECK(::recv(server.fd(), bytes, sizeof bytes, 0) == 8192);

    std::uint16_t port = 0;
    {
        port = Server(false).port();
    }
    Forwarder lonely("udp://127.0.0.1:" + std::to_string(port), 1 << 20);
    for (int i = 0; i < 10; ++i)
        lonely.take("web", line_of("info out: number " + std::to_string(i)));
    lonely.run(moment(0));
    CHECK(lonely.next_try() > moment(0));
    CHECK(lonely.take_trouble().find("Connection refused") != std::string::npos);
    const Server late(false, port);
    lonely.run(lonely.next_try());
    const ssize_t size = ::recv(late.fd(), bytes, sizeof bytes, 0);
    CHECK(std::string_view(bytes, static_cast<std::size_t>(size)).ends_with("number 1"));
}

TEST_CASE("the collector forwards what it writes") {
    Scratch scratch;
    const Server server(true);
    FakeInit init({scratch.path / "var"});
    init.forward_to({"tcp://127.0.0.1:" + std::to_string(server.port())}, 1 << 20);
    init.start();
    logs::StreamId id = 0;
    const Fd end = init.open_stream("web", logs::Source::out, 0, &id);
    put(end, "hello\n");
    CHECK(init.flush({id}));
    const Fd connection = server.accept();
    put(end, "again\n");
    auto messages = messages_in(read_until(connection.get(), "again", 1));
    REQUIRE(messages.size() == 2);
    CHECK(messages[0].find(" web - out [meta sequenceId=\"1\"] hello") != std::string::npos);
    CHECK(init.finish() == logd::exit_done);
}
