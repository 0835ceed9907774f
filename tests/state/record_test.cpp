// A record is saved in the form that it had when several of its enumerations were flags: earlier programs read what we write,
// and we read what they wrote.
#include "state/record_image.hpp"

#include <doctest/doctest.h>

using namespace mi;
using namespace mi::state;
using core::Next;
using core::OwnEnd;
using core::Phase;

namespace {

// As an earlier program has it.
struct FlaggedRecord {
    Phase phase = Phase::down;
    core::Asked asked = core::Asked::nothing;
    core::Stage stage = core::Stage::none;
    core::Reason reason = core::Reason::none;
    core::Role hook = core::Role::none;
    bool resting = false, cycle = false, came_up = false, ended = false, good_end = false;
    bool open = false, armed = false, demand = false, kept = false, frozen = false;
    std::uint8_t hook_index = 0;
    std::int32_t main_pid = 0, hook_pid = 0;
    std::uint32_t tries = 0, restarts = 0;
    core::UnitId cause = core::no_unit;
    Instant since{}, up_since{}, deadline = never;
    Span watchdog{0};
    core::ExitStatus last_exit;
    std::string detail;
    static void fields(auto& self, auto&& visit) {
        visit(self.phase, self.asked, self.stage, self.reason, self.hook, self.resting, self.cycle, self.came_up,
              self.ended, self.good_end, self.open, self.armed, self.demand, self.frozen, self.hook_index,
              self.main_pid, self.hook_pid, self.tries, self.restarts, self.cause, self.since.since_boot,
              self.up_since.since_boot, self.deadline.since_boot, self.watchdog, self.last_exit, self.detail,
              self.kept);
    }
};

std::string bytes_of(const auto& value) {
    std::string bytes;
    wire::encode(bytes, value);
    return bytes;
}

core::Record read(const FlaggedRecord& earlier) {
    RecordImage image;
    REQUIRE(wire::decode(bytes_of(earlier), image));
    return image;
}

} // namespace

TEST_CASE("what an earlier program has saved is read, and written again so that it reads the same") {
    std::vector<FlaggedRecord> all{{}};
    all.push_back({.resting = true, .came_up = true, .ended = true, .good_end = true});
    all.push_back({.cycle = true, .ended = true});
    all.push_back({.phase = Phase::up, .open = true, .armed = true, .demand = true, .kept = true, .frozen = true});
    all.push_back({.phase = Phase::backoff, .ended = true, .main_pid = 42, .tries = 3, .detail = "words"});
    for (const FlaggedRecord& earlier : all) {
        RecordImage image;
        REQUIRE(wire::decode(bytes_of(earlier), image));
        FlaggedRecord again; // what has come since is after all that it knows
        REQUIRE(wire::decode(bytes_of(image), again));
        CHECK(bytes_of(again) == bytes_of(earlier));
    }
}

TEST_CASE("the flags of an earlier program say how the unit ended and what is next for it") {
    CHECK(read({}) == core::Record{});
    CHECK(read({.ended = true}).own_end == OwnEnd::failure);
    CHECK(read({.ended = true, .good_end = true}).own_end == OwnEnd::success);
    CHECK(read({.resting = true}).next == Next::rest);
    CHECK(read({.cycle = true}).next == Next::restart);
    CHECK(read({.kept = true}).next == Next::keep);
    CHECK(read({.phase = Phase::up, .frozen = true}).frozen);
}

TEST_CASE("flags that do not go together count as the one that matters") {
    CHECK(read({.good_end = true}).own_end == OwnEnd::none);
    CHECK(read({.cycle = true, .kept = true}).next == Next::restart);
}

TEST_CASE("the states of a record, as an earlier program reads them") {
    auto flags = [](const core::Record& record) {
        FlaggedRecord earlier;
        REQUIRE(wire::decode(bytes_of(RecordImage(record)), earlier));
        return earlier;
    };
    for (OwnEnd own_end : {OwnEnd::none, OwnEnd::failure, OwnEnd::success})
        for (Next next : {Next::as_wanted, Next::rest, Next::restart, Next::again, Next::keep}) {
            const FlaggedRecord earlier = flags({.own_end = own_end, .next = next});
            CHECK(earlier.ended == (own_end != OwnEnd::none));
            CHECK(earlier.good_end == (own_end == OwnEnd::success));
            CHECK(earlier.resting == (next == Next::rest));
            CHECK(earlier.cycle == (next == Next::restart));
            CHECK(earlier.kept == (next == Next::keep));
        }
}
