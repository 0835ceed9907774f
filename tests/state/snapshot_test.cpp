// The images of what outlives us, folded.
#include "state/snapshot.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace mi;
using namespace mi::state;

namespace {

UnitImage web() {
    UnitImage image{.id = 3, .name = "web"};
    image.record.phase = core::Phase::up;
    image.record.main_pid = 42;
    image.record.deadline = {std::chrono::seconds(9)};
    image.status = "serving";
    image.line = LineImage{11, "/run/miniinit/notify/1", 33, core::NotifyAccess::main, 4};
    image.stored = {{12, "stored", true}};
    image.sockets = {{.fd = 13, .address = "*:80", .backlog = 5, .path = ""}};
    image.timer = TimerImage{.armed = true, .after_boot_at = std::chrono::seconds(1), .last_run = 77};
    image.runtime = {{"/run", {"web", "x"}}};
    image.sessions = {42, 43};
    return image;
}

// A unit as a program knows it that has one field less, and one that has one more.
struct OlderUnit {
    std::uint32_t id = 0;
    std::string name;
    RecordImage record;
    static void fields(auto& self, auto&& visit) { visit(self.id, self.name, self.record); }
};
struct NewerProcess {
    ProcessImage known;
    std::string more = "of a later version";
    static void fields(auto& self, auto&& visit) {
        visit(self.known.pid, self.known.unit, self.known.role, self.known.out, self.known.err, self.known.socket,
              self.known.report, self.known.report_inode, self.known.on_its_way, self.more);
    }
};

} // namespace

TEST_CASE("a unit's image comes back as it was") {
    std::string frame;
    put_item(frame, Tag::unit, web());
    auto state = fold({frame});
    REQUIRE(state);
    const UnitImage& image = state->units.at(3);
    CHECK(image.name == "web");
    CHECK(image.record == web().record);
    CHECK(image.line->path == "/run/miniinit/notify/1");
    CHECK(image.line->access == core::NotifyAccess::main);
    CHECK(image.stored[0].name == "stored");
    CHECK(image.sockets[0].address == "*:80");
    CHECK(image.timer->last_run == 77);
    CHECK(image.timer->after_boot_at == std::chrono::seconds(1));
    CHECK(image.runtime[0].components == std::vector<std::string>{"web", "x"});
    CHECK(image.sessions == std::vector<std::int32_t>{42, 43});
    CHECK(state->descriptors() == std::vector<int>{11, 12, 13});
}

TEST_CASE("later items replace earlier ones, and what has ended goes") {
    std::string base, change;
    UnitImage unit = web();
    put_item(base, Tag::unit, unit);
    put_item(base, Tag::process, ProcessImage{.pid = 42, .unit = 3, .role = core::Role::main});
    put_item(base, Tag::process, ProcessImage{.pid = 43, .unit = 3, .role = core::Role::post_start});
    put_item(base, Tag::stream, StreamImage{.id = 7, .fd = 20, .unit = "web"});
    put_item(base, Tag::client, ClientImage{.fd = 30, .open = true, .call = 5});
    unit.record.phase = core::Phase::stopping;
    put_item(change, Tag::unit, unit);
    put_item(change, Tag::process, ProcessImage{.pid = 43});
    put_item(change, Tag::stream, StreamImage{.id = 7});
    put_item(change, Tag::client, ClientImage{.fd = 30});
    auto state = fold({base, change});
    REQUIRE(state);
    CHECK(state->units.at(3).record.phase == core::Phase::stopping);
    CHECK(state->processes.size() == 1);
    CHECK(state->processes.contains(42));
    CHECK(state->streams.empty());
    CHECK(state->clients.empty());
}

TEST_CASE("what was to be done is what was listed and is not done") {
    std::string base, done;
    for (std::int32_t number : {1, 2, 3})
        put_item(base, Tag::effect, EffectImage{.unit = 3, .number = number});
    for (std::int32_t pid : {10, 11})
        put_item(base, Tag::exit, ExitImage{.pid = pid});
    put_item(base, Tag::spawn, SpawnImage{.unit = 3, .role = core::Role::main, .pid = 99});
    {
        auto state = fold({base});
        REQUIRE(state);
        CHECK(state->effects.size() == 3);
        CHECK(state->exits.size() == 2);
        CHECK(state->spawned->pid == 99);
    }
    put_item(done, Tag::done, DoneImage{2, 1});
    put_item(done, Tag::effect, EffectImage{.unit = 4, .number = 4});
    auto state = fold({base, done});
    REQUIRE(state);
    REQUIRE(state->effects.size() == 2);
    CHECK(state->effects[0].number == 3);
    CHECK(state->effects[1].number == 4);
    REQUIRE(state->exits.size() == 1);
    CHECK(state->exits[0].pid == 11);
    CHECK_FALSE(state->spawned);
}

TEST_CASE("a program reads what an older and what a later one has written") {
    std::string frame;
    OlderUnit older{3, "web", web().record};
    put_item(frame, Tag::unit, older);
    NewerProcess newer;
    newer.known.pid = 42;
    newer.known.unit = 3;
    put_item(frame, Tag::process, newer);
    frame += '\x64'; // an item of a later version
    wire::encode(frame, newer);
    put_item(frame, Tag::stream, StreamImage{.id = 7, .fd = 20, .unit = "web"});
    auto state = fold({frame});
    REQUIRE(state);
    CHECK(state->units.at(3).record == older.record);
    CHECK(state->units.at(3).digest == 0);
    CHECK(state->processes.at(42).unit == 3);
    CHECK(state->streams.at(7).fd == 20);
    REQUIRE(state->dropped.size() == 1);
    CHECK(state->dropped[0] == "manager: 1 saved item(s) of kind 100 are of a later version, and dropped");
}

TEST_CASE("bytes that are no items are refused, not guessed") {
    std::string frame;
    put_item(frame, Tag::unit, web());
    put_item(frame, Tag::process, ProcessImage{.pid = 42, .unit = 3});
    for (std::size_t size = 1; size < frame.size(); ++size)
        (void)fold({std::string_view(frame).substr(0, size)}); // never past the end
    CHECK_FALSE(fold({std::string_view(frame).substr(0, frame.size() - 1)}));
    CHECK_FALSE(fold({}));
    std::mt19937_64 random(11);
    for (int i = 0; i < 3000; ++i) {
        std::string broken = frame;
        broken[random() % broken.size()] = static_cast<char>(random());
        (void)fold({broken});
    }
}
