// Alarms: they ring at their time, not before, and are silent once taken.
#include "os/process/alarm.hpp"

#include <poll.h>
#include <doctest/doctest.h>

using namespace mi;
using namespace mi::os;
using namespace std::chrono_literals;

namespace {

bool rings(int fd, int milliseconds) {
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, milliseconds) == 1;
}
WallTime later(WallTime at, Span span) {
    return {at.micros + std::chrono::duration_cast<std::chrono::microseconds>(span).count()};
}

} // namespace

TEST_CASE("an alarm of the boot clock rings at its moment and not before, and a past moment rings at once") {
    auto alarm = BootAlarm::make();
    REQUIRE(alarm);
    CHECK_FALSE(rings(alarm->fd(), 0));
    Span at = present().boot + 30ms;
    REQUIRE(alarm->set(at));
    CHECK(rings(alarm->fd(), 10'000));
    CHECK(present().boot >= at);
    alarm->take();
    CHECK_FALSE(rings(alarm->fd(), 0));
    REQUIRE(alarm->set(Span{0}));
    CHECK(rings(alarm->fd(), 10'000));
    REQUIRE(alarm->set(std::nullopt));
    CHECK_FALSE(rings(alarm->fd(), 0));
    alarm->take(); // without a ring it does not wait for one
}

TEST_CASE("an alarm of the wall clock rings at its moment; never, and a moment before 1970, are no mistake") {
    auto alarm = WallAlarm::make();
    REQUIRE(alarm);
    WallTime at = later(present().wall, 30ms);
    REQUIRE(alarm->set(at));
    CHECK(rings(alarm->fd(), 10'000));
    CHECK(present().wall >= at);
    alarm->take();
    REQUIRE(alarm->set(std::nullopt));
    CHECK_FALSE(rings(alarm->fd(), 0));
    REQUIRE(alarm->set(WallTime{INT64_MAX}));
    CHECK_FALSE(rings(alarm->fd(), 0));
    REQUIRE(alarm->set(WallTime{-5}));
    CHECK(rings(alarm->fd(), 10'000));
}

TEST_CASE("the present is one moment on both clocks") {
    Moment first = present(), second = present();
    CHECK(second.boot >= first.boot);
    CHECK(first.wall.micros > 1'600'000'000'000'000);
}
