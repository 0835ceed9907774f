// `minictl check` against listeners that say what they are told to. Servers of programs are asked in tests/system.
#include "ctl_world.hpp"

#include <netinet/in.h>

using namespace mi;
using namespace mi::test;

namespace {

// Takes one connection on loopback, and says `answer` when it has heard a request; empty: it says nothing, and waits.
class Listener {
public:
    explicit Listener(std::string answer) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(socket_.get(), 4) == 0);
        REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        here = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        thread_ = std::thread([this, text = std::move(answer)] {
            Fd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            char bytes[4096];
            const ssize_t got = connection ? ::recv(connection.get(), bytes, sizeof bytes, 0) : 0;
            heard.assign(bytes, static_cast<std::size_t>(std::max<ssize_t>(0, got)));
            if (text.empty())
                (void)::recv(connection.get(), bytes, sizeof bytes, 0); // until it has gone
            else
                (void)::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL);
        });
    }
    ~Listener() {
        ::shutdown(socket_.get(), SHUT_RDWR);
        thread_.join();
    }
    std::string here, heard;

private:
    Fd socket_;
    std::thread thread_;
};

Outcome check(std::vector<std::string> words) {
    words.insert(words.begin(), {"minictl", "check"});
    return run_ctl(std::move(words));
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("an answer of HTTP is well from 200 to 399, or as --status says") {
    for (auto [code, well] :
         {std::pair{"200 OK", true}, {"302 Found", true}, {"404 Not Found", false}, {"500 No", false}}) {
        Listener server("HTTP/1.1 " + std::string(code) + "\r\n\r\n");
        const Outcome asked = check({"http://" + server.here + "/x?y"});
        CHECK(asked.code == (well ? 0 : 1));
        CHECK(asked.out == "http://" + server.here + "/x?y: HTTP/1.1 " + code + "\n");
    }
    Listener server("HTTP/1.1 503 Busy\r\n\r\n");
    CHECK(check({"--status", "503", "http://" + server.here}).code == 0);
}

TEST_CASE("the request names the host as it was written") {
    std::string heard, here;
    {
        Listener server("HTTP/1.1 204 No Content\r\n\r\n");
        here = server.here;
        CHECK(check({"--quiet", "http://" + here + "/a?b"}).out.empty());
        heard = server.heard;
    }
    CHECK(heard.starts_with("GET /a?b HTTP/1.1\r\nHost: " + here + "\r\n"));
}

TEST_CASE("--expect looks for a line of the body, as far as it is long") {
    Listener server("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nno\nwell\n");
    CHECK(check({"--expect", "^well$", "http://" + server.here}).code == 0);
    Listener other("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwe\r\n2;x=y\r\nll\r\n0\r\n\r\n");
    CHECK(check({"-e", "^well$", "http://" + other.here}).code == 0);
    Listener ill("HTTP/1.1 200 OK\r\n\r\nill");
    const Outcome asked = check({"--expect", "well", "http://" + ill.here});
    CHECK(asked.code == 1);
    CHECK(has(asked.out, "nothing in it matches \"well\""));
}

TEST_CASE("what does not answer, or says something else, is said in a line") {
    Listener mute("");
    const Outcome late = check({"--timeout", "300ms", "http://" + mute.here});
    CHECK(late.code == 1);
    CHECK(has(late.out, "no answer within 300 ms"));
    Listener odd("SSH-2.0-OpenSSH\r\n\r\n");
    CHECK(has(check({"http://" + odd.here}).out, "its answer is not HTTP/1: \"SSH-2.0-OpenSSH\""));
    Listener torn("HTTP/1.1 200");
    CHECK(has(check({"http://" + torn.here}).out, "cut short"));
    const Outcome nobody = check({"tcp://127.0.0.1:1", "unix:/no/such/socket"});
    CHECK(nobody.code == 1);
    CHECK(has(nobody.out, "tcp://127.0.0.1:1: connect to 127.0.0.1:1: Connection refused\n"));
    CHECK(has(nobody.out, "unix:/no/such/socket: connect to /no/such/socket: No such file or directory\n"));
}

TEST_CASE("no name server is asked, and no TLS is spoken") {
    CHECK(has(check({"http://no.such.name.invalid/"}).out, "is not in /etc/hosts, and no name server is asked"));
    CHECK(has(check({"https://127.0.0.1/"}).out, "there is no TLS"));
    CHECK(has(check({"gopher://x/"}).out, "\"gopher\" is not a known scheme"));
    CHECK(check({"--expect", "(", "tcp://127.0.0.1:1"}).code == 1);
    CHECK(has(check({"--json", "gopher://x/"}).out, "\"healthy\":false"));
}
