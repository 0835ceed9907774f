#include "logd/reports.hpp"

#include <sys/socket.h>
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

using namespace mi;
using namespace mi::logd;
namespace logs = wire::logs;
using std::chrono::milliseconds;

namespace {

std::array<Fd, 2> socket_pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    return {Fd(ends[0]), Fd(ends[1])};
}

struct Scene {
    // The next message that PID 1 gets, if there is one.
    std::optional<logs::FromCollector> heard() const {
        std::vector<char> bytes(logs::longest_message);
        const ssize_t size = ::recv(ends[1].get(), bytes.data(), bytes.size(), 0);
        if (size < 0)
            return std::nullopt;
        auto message = logs::decode_from_collector({bytes.data(), static_cast<std::size_t>(size)});
        REQUIRE(message);
        return std::move(*message);
    }
    std::size_t ends_heard() const {
        auto message = heard();
        return message ? std::get<logs::Ended>(*message).streams.size() : 0;
    }

    std::array<Fd, 2> ends = socket_pair(); // the collector's, PID 1's
    WaitSet waiting;
    InitSocket init{ends[0].get(), waiting};
    Reports reports{init};
    const Instant start = monotonic_now();
};

} // namespace

TEST_CASE("streams that end soon after each other are told together") {
    Scene scene;
    scene.reports.ended(1);
    scene.reports.tell_ended(scene.start, false);
    CHECK(scene.ends_heard() == 0);
    CHECK(scene.reports.next_deadline() == scene.start + milliseconds(10));
    scene.reports.ended(2);
    scene.reports.tell_ended(scene.start + milliseconds(9), false);
    CHECK(scene.ends_heard() == 0);
    scene.reports.tell_ended(scene.start + milliseconds(10), false);
    CHECK(scene.ends_heard() == 2);
    CHECK(scene.reports.next_deadline() == never);
}

TEST_CASE("a crowd of ends is told at once, and so are all at the end of the collector") {
    Scene scene;
    for (StreamId id = 1; id <= 128; ++id)
        scene.reports.ended(id);
    scene.reports.tell_ended(scene.start, false);
    CHECK(scene.ends_heard() == 128);
    scene.reports.ended(200);
    scene.reports.tell_ended(scene.start, true);
    CHECK(scene.ends_heard() == 1);
}

TEST_CASE("of losses a hundred are told in ten seconds") {
    Scene scene;
    auto told = [&](milliseconds after) {
        scene.reports.tell_losses(std::vector<logs::Dropped>(80), scene.start + after);
        std::size_t count = 0;
        for (;; ++count) {
            scene.init.send();
            if (!scene.heard())
                return count;
        }
    };
    CHECK(told(milliseconds(0)) == 80);
    CHECK(told(milliseconds(10'000)) == 20);
    CHECK(told(milliseconds(10'001)) == 80);
}

TEST_CASE("of progress in long work PID 1 hears every two seconds") {
    Scene scene;
    scene.reports.tell_progress(scene.start);
    CHECK(scene.heard());
    scene.reports.tell_progress(scene.start + milliseconds(1'999));
    CHECK_FALSE(scene.heard());
    scene.reports.tell_progress(scene.start + milliseconds(2'000));
    CHECK(scene.heard());
}

TEST_CASE("what PID 1 does not take yet is sent as soon as there is room, and the collector waits for that") {
    Scene scene;
    REQUIRE(scene.init.open());
    const int small = 4096;
    REQUIRE(::setsockopt(scene.ends[0].get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    for (std::uint32_t number = 1; number <= 1'000; ++number)
        scene.init.say(logs::Pong{number});
    CHECK(scene.waiting.wait(monotonic_now()).empty());
    for (std::uint32_t number = 1; number <= 1'000; ++number) {
        auto message = scene.heard();
        if (!message) {
            const auto ready = scene.waiting.wait(monotonic_now() + std::chrono::seconds(20));
            REQUIRE(ready.size() == 1);
            CHECK((ready[0].events & EPOLLOUT) != 0);
            scene.init.send();
            message = scene.heard();
        }
        REQUIRE(message);
        CHECK(std::get<logs::Pong>(*message).number == number);
    }
    CHECK_FALSE(scene.heard());
}

TEST_CASE("a message of PID 1 is received, and its end is noticed") {
    Scene scene;
    const std::string message = logs::encode(logs::ToCollector(logs::Ping{5}));
    CHECK_FALSE(scene.init.receive());
    CHECK_FALSE(scene.init.closed());
    REQUIRE(::send(scene.ends[1].get(), message.data(), message.size(), 0) == static_cast<ssize_t>(message.size()));
    REQUIRE(scene.init.receive());
    CHECK(std::get<logs::Ping>(*scene.init.message()).number == 5);
    CHECK(scene.init.descriptors().empty());
    scene.ends[1].reset();
    CHECK_FALSE(scene.init.receive());
    CHECK(scene.init.closed());
}
