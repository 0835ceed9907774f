// Waiting: readiness, the timer, the end of a turn. Nothing here waits for time but for the timer itself.
#include "base/clock.hpp"
#include "base/fd.hpp"
#include "loop/loop.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <vector>

using namespace mi;
using namespace mi::loop;
using namespace std::chrono_literals;

namespace {

struct Pair {
    Fd ours, theirs;
    Pair() {
        int raw[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, raw) == 0);
        ours = Fd(raw[0]);
        theirs = Fd(raw[1]);
    }
    void say(std::string_view text) const {
        REQUIRE(::write(theirs.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    [[nodiscard]] std::string hear(std::size_t most = 100) const {
        std::string text(most, 0);
        ssize_t got = ::read(ours.get(), text.data(), most);
        text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        return text;
    }
};

// Ends the test rather than hang: the timer is the loop's one, so only for those that do not test it.
void give_up_after(Loop& loop, Span span) {
    loop.set_due([&loop] {
        loop.stop();
        FAIL("nothing happened");
    });
    loop.wake_at(monotonic_now() + span);
}

} // namespace

TEST_CASE("a descriptor with something to read calls back, and again while there is something left") {
    AsioLoop loop;
    give_up_after(loop, 10s);
    Pair pair;
    std::string heard;
    auto watch = loop.watch(pair.ours.get(), [&] {
        heard += pair.hear(1);
        if (heard.size() == 3)
            loop.stop();
    });
    REQUIRE(watch);
    pair.say("abc");
    loop.run();
    CHECK(heard == "abc");
}

TEST_CASE("the end of the other side counts as readable") {
    AsioLoop loop;
    give_up_after(loop, 10s);
    Pair pair;
    auto watch = loop.watch(pair.ours.get(), [&] { loop.stop(); });
    pair.theirs.reset();
    loop.run();
    CHECK(pair.hear().empty());
}

TEST_CASE("a watch that is gone calls nobody, not even for what was on its way, and leaves the descriptor open") {
    AsioLoop loop;
    give_up_after(loop, 10s);
    Pair one, two, last;
    std::unique_ptr<Watch> first, second;
    int calls = 0;
    // Both are ready in the same wake-up; whichever comes first ends both.
    auto end_both = [&] {
        ++calls;
        first.reset();
        second.reset();
        last.say("x");
    };
    first = *loop.watch(one.ours.get(), end_both);
    second = *loop.watch(two.ours.get(), end_both);
    auto end = loop.watch(last.ours.get(), [&] { loop.stop(); });
    one.say("x");
    two.say("x");
    loop.run();
    CHECK(calls == 1);
    CHECK(one.hear() == "x");
    CHECK(two.hear() == "x");
}

TEST_CASE("a descriptor number that was closed and given anew can be watched again") {
    AsioLoop loop;
    give_up_after(loop, 10s);
    int number = -1;
    {
        Pair gone;
        number = gone.ours.get();
        auto watch = loop.watch(number, [] { FAIL("it is gone"); });
        gone.say("x");
        watch->reset();
    }
    Pair pair;
    REQUIRE(pair.ours.get() == number);
    auto watch = loop.watch(number, [&] { loop.stop(); });
    REQUIRE(watch);
    pair.say("x");
    loop.run();
}

TEST_CASE("who does not want to read is not called until he does") {
    AsioLoop loop;
    Pair pair;
    int calls = 0;
    auto watch = loop.watch(pair.ours.get(), [&] {
        ++calls;
        (void)pair.hear();
        loop.stop();
    });
    (*watch)->want_readable(false);
    pair.say("x");
    loop.set_due([&] {
        CHECK(calls == 0);
        (*watch)->want_readable(true);
    });
    loop.wake_at(monotonic_now() + 20ms);
    loop.run();
    CHECK(calls == 1);
}

TEST_CASE("who wants to write is called when he can, and no more once he has said so") {
    AsioLoop loop;
    give_up_after(loop, 10s);
    Pair pair, ender;
    std::vector<std::string> calls;
    std::unique_ptr<Watch> watch;
    watch = *loop.watch(
        pair.ours.get(), [&] { calls.emplace_back("read"); },
        [&] {
            calls.emplace_back("write");
            if (calls.size() == 2) {
                watch->want_writable(false);
                ender.say("x");
            }
        });
    auto end = loop.watch(ender.ours.get(), [&] { loop.stop(); });
    watch->want_writable(true);
    loop.run();
    CHECK(calls == std::vector<std::string>{"write", "write"});
}

TEST_CASE("the timer calls once at its moment, not before, and can be moved and disarmed") {
    AsioLoop loop;
    Instant start = monotonic_now();
    std::vector<Span> calls;
    int step = 0;
    loop.set_due([&] {
        calls.push_back(monotonic_now() - start);
        if (++step == 1)
            loop.wake_at(start + 30ms);
        else
            loop.stop();
    });
    loop.wake_at(start + 1h);
    loop.wake_at(start + 10ms);
    loop.run();
    REQUIRE(calls.size() == 2);
    CHECK(calls[0] >= 10ms);
    CHECK(calls[1] >= 30ms);
    CHECK(calls[1] < 5s);
}

TEST_CASE("a disarmed timer is silent") {
    AsioLoop loop;
    Pair pair;
    int due = 0, heard = 0;
    loop.set_due([&] { ++due; });
    loop.wake_at(monotonic_now() + 5ms);
    loop.wake_at(never);
    auto watch = loop.watch(pair.ours.get(), [&] {
        ++heard;
        loop.stop();
    });
    pair.say("x");
    loop.run();
    CHECK(due == 0);
    CHECK(heard == 1);
}

TEST_CASE("a moment that has passed comes at once, again and again") {
    AsioLoop loop;
    int due = 0;
    loop.set_due([&] {
        if (++due == 3)
            loop.stop();
        else
            loop.wake_at(Instant{});
    });
    loop.wake_at(Instant{});
    loop.run();
    CHECK(due == 3);
}

TEST_CASE("a turn ends after the callbacks of a wake-up, however many there were") {
    AsioLoop loop;
    give_up_after(loop, 10s);
    std::vector<Pair> pairs(20);
    std::vector<std::unique_ptr<Watch>> watches;
    int heard = 0, turns = 0;
    for (Pair& pair : pairs)
        watches.push_back(*loop.watch(pair.ours.get(), [&] {
            ++heard;
            (void)pair.hear();
        }));
    for (const Pair& pair : pairs)
        pair.say("x");
    loop.set_turn_end([&] {
        ++turns;
        if (heard == 20)
            loop.stop();
    });
    loop.run();
    CHECK(heard == 20);
    CHECK(turns <= 2);
}

TEST_CASE("a peer that never falls silent does not keep a turn from ending") {
    AsioLoop loop;
    Pair pair;
    pair.say("x"); // never read: always readable
    int calls = 0;
    auto watch = loop.watch(pair.ours.get(), [&] { ++calls; });
    loop.set_turn_end([&] { loop.stop(); });
    loop.run();
    CHECK(calls >= 1);
    CHECK(calls <= 1000);
}

TEST_CASE("what cannot be watched is a fault with its reason") {
    AsioLoop loop;
    auto watch = loop.watch(-1, [] {});
    REQUIRE_FALSE(watch);
    CHECK(watch.error().code == EBADF);
    Fd closed(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    int raw = closed.get();
    closed.reset();
    CHECK_FALSE(loop.watch(raw, [] {}));
}

TEST_CASE("the clocks: one runs only forwards, the other is today") {
    Instant first = monotonic_now();
    CHECK(monotonic_now() >= first);
    CHECK(mi::wall_now().micros > 1'600'000'000'000'000);
}
