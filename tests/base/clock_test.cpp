#include "base/clock.hpp"

#include <doctest/doctest.h>

using namespace mi;

TEST_CASE("clocks do not go back, and the one that counts sleep is not behind the one that does not") {
    const Instant first = monotonic_now();
    const Span with_sleep = boottime_now();
    CHECK(with_sleep >= first.since_boot);
    CHECK(monotonic_now() >= first);
    CHECK(wall_now().micros > 0);
}

TEST_CASE("an instant is told in whole microseconds since boot") {
    CHECK(micros(Instant{Span{1'999}}) == 1);
    CHECK(micros(Instant{std::chrono::seconds(2)}) == 2'000'000);
}
