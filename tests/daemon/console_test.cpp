// What the init says to people, where the other end is slow or gone.
#include "base/clock.hpp"
#include "daemon/machine/console.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <doctest/doctest.h>

#include <array>
#include <csignal>

using namespace mi;
using daemon::Console;

namespace {

// A pipe in the place of standard error, as long as this lives.
struct Stderr {
    Stderr() {
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
        REQUIRE(::dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
        ::close(ends[1]);
    }
    ~Stderr() {
        (void)::signal(SIGPIPE, pipe_signal);
        ::dup2(before.get(), STDERR_FILENO);
        if (ends[0] >= 0)
            ::close(ends[0]);
    }
    [[nodiscard]] std::string read() const {
        std::string all;
        std::array<char, 4096> bytes;
        for (ssize_t n; (n = ::read(ends[0], bytes.data(), bytes.size())) > 0;)
            all.append(bytes.data(), static_cast<std::size_t>(n));
        return all;
    }
    void hang_up() { ::close(std::exchange(ends[0], -1)); }
    Fd before{::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)};
    std::array<int, 2> ends{};
    sighandler_t pipe_signal = ::signal(SIGPIPE, SIG_IGN); // as the init does (os/process/limits.hpp)
};

// As many lines as were said, in order, from `from` on; the rest of the text.
std::string after_lines(std::string text, unsigned& from) {
    for (std::string next; text.starts_with(next = "miniinit: line " + std::to_string(from) + "\n"); ++from)
        text.erase(0, next.size());
    return text;
}

} // namespace

TEST_CASE("lines that find no room on the console wait for it, in order, and nobody waits for them") {
    Stderr pipe;
    loop::AsioLoop loop;
    unsigned said = 0, seen = 0;
    std::string rest;
    {
        Console console(false);
        console.wait_in(loop);
        for (; said < 5000; ++said) // more than a pipe takes, and less than may wait besides
            console.line("line " + std::to_string(said));
        CHECK((::fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0); // it is others', too
        loop.set_turn_end([&] {
            rest = after_lines(rest + pipe.read(), seen);
            if (seen == said)
                loop.stop();
        });
        loop.set_due([&] { loop.wake_at(monotonic_now() + std::chrono::milliseconds(5)); });
        loop.wake_at(monotonic_now());
        loop.run();
        console.line("the last");
    }
    CHECK(seen == 5000);
    CHECK(rest + pipe.read() == "miniinit: the last\n");
}

TEST_CASE("what is too much for that is counted, and said") {
    Stderr pipe;
    loop::AsioLoop loop;
    std::string text;
    unsigned seen = 0;
    {
        Console console(false, Span(0));
        console.wait_in(loop);
        for (unsigned i = 0; i < 20'000; ++i)
            console.line("line " + std::to_string(i));
        text = pipe.read();
        console.line(
            "once more"); // the pipe is empty: what waits goes into it, and this line waits, or is counted, too
        text += pipe.read();
        console.line("and more");
        text += pipe.read();
        console.line("the end");
        text += pipe.read();
    }
    text = after_lines(text, seen);
    CHECK(seen > 5000);
    CHECK(text.contains(" lines are lost here: they found no room (the log has them)\n"));
    CHECK(text.ends_with("miniinit: the end\n"));
}

TEST_CASE("a console that nobody reads any more is no reason to do anything else") {
    const auto before = ::signal(SIGPIPE, SIG_DFL);
    {
        Stderr pipe;
        pipe.hang_up();
        loop::AsioLoop loop;
        Console console(false);
        console.wait_in(loop);
        console.line("nobody hears");
        Console alone(false);
        const Instant began = monotonic_now();
        alone.line("nobody hears");
        CHECK(monotonic_now() - began < std::chrono::milliseconds(500));
    }
    (void)::signal(SIGPIPE, before);
}

TEST_CASE("nothing that a line says drives the console, and letters stay") {
    Stderr pipe;
    {
        Console console(false);
        console.line("unit \x1b[2J \x9b"
                     "2J \xc2\x9b"
                     "2J \u202e \xff\tGr\xc3\xbc\xc3\x9f"
                     "e\nmore\r");
        console.line(std::string(999, 'x') + "\xc3\xbc");
    }
    CHECK(pipe.read() == "miniinit: unit ?[2J ?2J ?2J ? ?\tGr\xc3\xbc\xc3\x9f"
                         "e?more?\nminiinit: " +
                             std::string(999, 'x') + "\n");
}
