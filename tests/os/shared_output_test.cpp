// Writing to what others have, too: without waiting, and without their noticing.
#include "base/fd.hpp"
#include "os/socket/shared_output.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <string>

using namespace mi;
using os::SharedOutput;

namespace {

// A pipe or socket, of which somebody else has the write end, too. Written to by a user who may not open it anew if there is one.
struct Ends {
    explicit Ends(bool socket = false) {
        int ends[2];
        REQUIRE((socket ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) : ::pipe2(ends, O_CLOEXEC)) == 0);
        read_end = Fd(ends[0]);
        write_end = Fd(ends[1]);
        REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    }
    ~Ends() { (void)::signal(SIGPIPE, before); }
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;
    [[nodiscard]] std::string read() const {
        std::string all;
        char bytes[4096];
        for (ssize_t n; (n = ::read(read_end.get(), bytes, sizeof bytes)) > 0;)
            all.append(bytes, static_cast<std::size_t>(n));
        return all;
    }
    [[nodiscard]] bool blocks() const { return (::fcntl(write_end.get(), F_GETFL) & O_NONBLOCK) == 0; }
    Fd read_end, write_end;
    sighandler_t before = ::signal(SIGPIPE, SIG_IGN);
};

// Another user, as long as this lives.
struct Nobody {
    Nobody() { REQUIRE(::seteuid(65534) == 0); }
    ~Nobody() {
        (void)::seteuid(0);
        (void)::prctl(PR_SET_DUMPABLE, 1); // a change of user takes it away
    }
    Nobody(const Nobody&) = delete;
    Nobody& operator=(const Nobody&) = delete;
};

std::string numbers(unsigned first, unsigned count) {
    std::string text;
    for (unsigned i = 0; i < count; ++i)
        text += "line " + std::to_string(first + i) + "\n";
    return text;
}

// Writes much more than there is room for, with somebody else's lines in between; it all arrives, in order, lines whole.
void writes_all(const Ends& ends, SharedOutput& output) {
    std::string text = numbers(0, 50'000), seen;
    const std::string whole = text;
    unsigned others = 0;
    for (unsigned rounds = 0; !text.empty() && rounds < 100'000; ++rounds) {
        const auto [bytes, there] = output.write(text);
        REQUIRE(there);
        text.erase(0, bytes);
        if (rounds == 0)
            CHECK_FALSE(text.empty()); // and we are here: it has not waited
        seen += ends.read();
        if (rounds < 20 && ::write(ends.write_end.get(), "another's\n", 10) == 10)
            ++others;
    }
    seen += ends.read();
    for (std::size_t at; (at = seen.find("another's\n")) != seen.npos; --others)
        seen.erase(at, 10);
    CHECK(others == 0);
    CHECK(seen == whole);
    CHECK(ends.blocks());
}

} // namespace

TEST_CASE("a pipe that can be opened anew is written to without waiting, and stays as it was for others") {
    const Ends ends;
    SharedOutput output(ends.write_end.get());
    writes_all(ends, output);
    CHECK(output.is_own());
}

TEST_CASE("so is a pipe that cannot be opened anew") {
    if (::geteuid() != 0)
        return;
    const Ends ends;
    const Nobody nobody;
    SharedOutput output(ends.write_end.get());
    writes_all(ends, output);
    CHECK_FALSE(output.is_own());
}

TEST_CASE("and a socket") {
    const Ends ends(true);
    SharedOutput output(ends.write_end.get());
    writes_all(ends, output);
    CHECK_FALSE(output.is_own());
}

TEST_CASE("a reader that is gone is told, and what was on its way to it does not come to the next") {
    if (::geteuid() != 0)
        return;
    for (const bool socket : {false, true}) {
        Ends ends(socket);
        const Nobody nobody;
        SharedOutput output(ends.write_end.get());
        std::string text = numbers(0, 50'000);
        text.erase(0, output.write(text).bytes);
        ends.read_end.reset();
        CHECK_FALSE(output.write(text).there);
        CHECK_FALSE(output.write("once more\n").there);
    }
}
