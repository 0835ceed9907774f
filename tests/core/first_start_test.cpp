#include "core/first_start.hpp"

#include <doctest/doctest.h>

using namespace mi;
using namespace mi::core;

namespace {

Instant at(int seconds) { return {std::chrono::seconds(seconds)}; }

} // namespace

TEST_CASE("a first start is told once: what comes after its end changes nothing") {
    FirstStart first;
    first.note(Phase::waiting, at(1));
    first.note(Phase::starting, at(2));
    first.note(Phase::up, at(3));
    first.note(Phase::reloading, at(4));
    first.note(Phase::up, at(5));
    CHECK(first.up == at(3));
    CHECK(first.ended == Instant{});
    first.note(Phase::stopping, at(6));
    first.note(Phase::waiting, at(7));
    first.note(Phase::starting, at(8));
    CHECK(first.waiting == at(1));
    CHECK(first.starting == at(2));
    CHECK(first.ended == at(6));
    CHECK(first.outcome == Phase::stopping);
}

TEST_CASE("a first start that fails has ended when nothing of it is left, and was never up") {
    FirstStart first;
    first.note(Phase::waiting, at(1));
    first.note(Phase::starting, at(2));
    first.note(Phase::stopping, at(3));
    CHECK(first.ended == Instant{});
    first.note(Phase::backoff, at(4));
    first.note(Phase::starting, at(5));
    first.note(Phase::up, at(6));
    CHECK(first.ended == at(4));
    CHECK(first.up == Instant{});
    CHECK(first.outcome == Phase::backoff);
}

TEST_CASE("a unit that was wanted, but never started, and then no longer, has had no first start") {
    FirstStart first;
    first.note(Phase::down, at(1));
    CHECK(first.ended == Instant{});
    first.note(Phase::waiting, at(2));
    first.note(Phase::down, at(3));
    first.note(Phase::waiting, at(60));
    first.note(Phase::starting, at(61));
    CHECK(first.waiting == at(60));
    // One whose dependency has failed has had it.
    FirstStart failed;
    failed.note(Phase::waiting, at(2));
    failed.note(Phase::failed, at(3));
    failed.note(Phase::waiting, at(60));
    CHECK(failed.waiting == at(2));
    CHECK(failed.outcome == Phase::failed);
}

TEST_CASE("a unit that is skipped is over at once, and nobody waits for it any more") {
    FirstStart first;
    first.note(Phase::waiting, at(1));
    first.note(Phase::starting, at(1));
    first.note(Phase::skipped, at(2));
    CHECK(first.up == at(2));
    CHECK(first.ended == at(2));
    CHECK(first.outcome == Phase::skipped);
}
