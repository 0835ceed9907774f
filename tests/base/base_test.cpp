// Descriptors that close themselves, faults in words, moments, signals by name.
#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/signals.hpp"
#include "base/time.hpp"

#include <fcntl.h>
#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <utility>

using namespace mi;
using namespace std::chrono_literals;

namespace {

int open_one() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

} // namespace

TEST_CASE("a descriptor is closed by its last owner, once") {
    int raw = open_one();
    REQUIRE(raw >= 0);
    {
        Fd first(raw);
        Fd second(std::move(first));
        CHECK_FALSE(first);
        CHECK(second.get() == raw);
        CHECK(is_open(raw));
    }
    CHECK_FALSE(is_open(raw));
}

TEST_CASE("assignment closes what was held before") {
    int one = open_one(), two = open_one();
    Fd fd(one);
    fd = Fd(two);
    CHECK_FALSE(is_open(one));
    CHECK(is_open(two));
    Fd& same = fd;
    fd = std::move(same);
    CHECK(fd.get() == two);
    CHECK(is_open(two));
}

TEST_CASE("a descriptor can be given away or closed early") {
    int raw = open_one();
    Fd fd(raw);
    CHECK(fd.release() == raw);
    CHECK_FALSE(fd);
    CHECK(is_open(raw));
    fd = Fd(raw);
    fd.reset();
    CHECK_FALSE(is_open(raw));
    fd.reset();
    CHECK(Fd().get() == -1);
}

TEST_CASE("a fault is an action, its object and the reason") {
    CHECK(Fault{ENOENT, "open", "/x"}.text() == "open /x: No such file or directory");
    CHECK(Fault{EPERM, "setgroups", ""}.text() == "setgroups: Operation not permitted");
    CHECK(Fault{0, "refuse", "/x"}.text() == "refuse /x");
    CHECK(Fault{99999, "open", "/x"}.text() == "open /x: unknown error");
    Result<int> failed = fault(EIO, "read", "y");
    REQUIRE_FALSE(failed);
    CHECK(failed.error() == Fault{EIO, "read", "y"});
}

TEST_CASE("moments and lengths of time") {
    Instant start{1s};
    CHECK((start + 500ms) - start == 500ms);
    CHECK((start + 500ms) - 500ms == start);
    CHECK(start < start + 1ns);
    CHECK(start + 1h < never);
}

TEST_CASE("signals are read as people write them") {
    for (const char* text : {"TERM", "SIGTERM", "term", "sigterm", "15"}) {
        CAPTURE(text);
        CHECK(signal_number(text) == SIGTERM);
    }
    CHECK(signal_number("RTMIN") == 34);
    CHECK(signal_number("SIGRTMIN+3") == 37);
    CHECK(signal_number("RTMAX-2") == 62);
    CHECK(signal_number("SIGRTMAX") == 64);
    CHECK(signal_number("CLD") == SIGCHLD);
    CHECK(signal_number("POLL") == SIGIO);
    for (const char* text :
         {"", "SIG", "0", "65", "-1", "FOO", "RTMIN-1", "RTMIN+31", "RTMAX+1", "RTMAX-31", "RTMIN+", "TERMX"}) {
        CAPTURE(text);
        CHECK_FALSE(signal_number(text));
    }
}

TEST_CASE("each signal's name reads back as its number") {
    CHECK(signal_name(SIGTERM) == "SIGTERM");
    CHECK(signal_name(34) == "SIGRTMIN");
    CHECK(signal_name(64) == "SIGRTMIN+30");
    CHECK(signal_name(99) == "99");
    for (int number = 1; number <= last_signal; ++number) {
        CAPTURE(number);
        CHECK(signal_number(signal_name(number)) == number);
    }
}
