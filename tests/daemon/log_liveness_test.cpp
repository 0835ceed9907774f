#include "daemon/log/log_liveness.hpp"

#include <doctest/doctest.h>

using namespace mi;
using namespace mi::daemon;
using namespace std::chrono_literals;

namespace {
constexpr Instant start{Span(100s)};
} // namespace

TEST_CASE("with nothing to do for the collector no timer runs and the pipes are watched") {
    LogLiveness liveness;
    CHECK(liveness.next_deadline() == never);
    CHECK(liveness.wants_news());
    CHECK_FALSE(liveness.asks(start));
    CHECK_FALSE(liveness.overdue(start + 1000h));
}

TEST_CASE("it is asked after work, and when it has answered all is quiet again") {
    LogLiveness liveness;
    liveness.has_work();
    CHECK(liveness.asks(start));
    CHECK_FALSE(liveness.asks(start)); // once
    CHECK_FALSE(liveness.wants_news());
    liveness.answered(liveness.number(), start + 1ms);
    CHECK(liveness.wants_news());
    CHECK(liveness.next_deadline() == never);
}

TEST_CASE("work that comes after a question is a reason for the next, but not before its time") {
    LogLiveness liveness;
    liveness.has_work();
    CHECK(liveness.asks(start));
    liveness.has_work();
    liveness.answered(liveness.number(), start + 1ms);
    CHECK_FALSE(liveness.asks(start + 1s));
    CHECK(liveness.next_deadline() == start + LogLiveness::between);
    CHECK_FALSE(liveness.wants_news()); // it is known already
    CHECK(liveness.asks(start + LogLiveness::between));
}

TEST_CASE("a collector that does not answer is overdue, and again where a kill does not end it") {
    LogLiveness liveness;
    liveness.has_work();
    CHECK(liveness.asks(start));
    liveness.has_work(); // what is sent meanwhile puts nothing off
    CHECK_FALSE(liveness.overdue(start + 9s));
    CHECK(liveness.overdue(start + LogLiveness::patience));
    CHECK_FALSE(liveness.overdue(start + LogLiveness::patience + 1s));
    CHECK(liveness.overdue(start + 2 * LogLiveness::patience));
}

TEST_CASE("an answer to an earlier question is none, and one that tells of progress puts the deadline off") {
    LogLiveness liveness;
    liveness.has_work();
    CHECK(liveness.asks(start));
    liveness.answered(1, start);
    liveness.has_work();
    CHECK(liveness.asks(start + 6s));
    liveness.answered(1, start + 7s);
    CHECK_FALSE(liveness.wants_news());
    liveness.answered(0, start + 12s);
    CHECK_FALSE(liveness.overdue(start + 21s));
    CHECK(liveness.overdue(start + 22s));
}

TEST_CASE("one that never says its first word is overdue, too") {
    LogLiveness liveness;
    liveness.expect(start + 10s);
    liveness.has_work();
    CHECK_FALSE(liveness.asks(start));
    CHECK(liveness.overdue(start + 10s));
    liveness.said_hello();
    CHECK(liveness.asks(start + 11s));
}
