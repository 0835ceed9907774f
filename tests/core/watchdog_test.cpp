// What a service says of itself while it is up: that it is alive, that it hangs, that it is going.
#include "world.hpp"

namespace mi::core {
namespace {

constexpr const char* watched = "[units.db]\n[units.db.service]\ntype = 'notify'\ncommand = '/bin/db'\n"
                                "watchdog = '10s'\n";

World up() {
    World world(watched);
    world.ask("db");
    world.ready("db");
    return world;
}

} // namespace

TEST_CASE("a service that says it is alive in time stays up for ever") {
    World world = up();
    for (int i = 0; i < 100; ++i) {
        world.pass("9s");
        world.says("db", Event::Kind::alive);
    }
    CHECK(world.phase("db") == "up");
    CHECK(world.signals().empty());
}

TEST_CASE("one that does not is aborted, and started again by its restart policy") {
    World world = up();
    world.pass("10s");
    CHECK(world.signals() == "db:ABRT");
    CHECK(world.phase("db") == "stopping");
    CHECK(world.why("db") == "db is stopping: its watchdog ran out: WATCHDOG=1 did not come in time.");
    world.die("db", 6);
    CHECK(world.phase("db") == "backoff");
    world.pass("1s");
    CHECK(world.running() == "db");
}

TEST_CASE("one that does not even end by SIGABRT is killed after its stop-timeout") {
    World world = up();
    world.pass("10s");
    world.signals();
    world.pass("10s");
    CHECK(world.signals() == "db:KILL+");
    CHECK(world.phase("db") == "backoff");
}

TEST_CASE("restart on-abnormal starts again after a watchdog") {
    World world("[units.db]\n[units.db.service]\ntype = 'notify'\ncommand = '/bin/db'\nwatchdog = '10s'\n"
                "restart = 'on-abnormal'\n");
    world.ask("db");
    world.ready("db");
    world.pass("10s");
    world.die("db", 6);
    CHECK(world.phase("db") == "backoff");
}

TEST_CASE("a service may say that it hangs, set another time for its watchdog, and switch it off") {
    World world = up();
    world.says("db", Event::Kind::watchdog, std::chrono::seconds(60));
    world.pass("59s");
    CHECK(world.phase("db") == "up");
    world.says("db", Event::Kind::watchdog, Span{0});
    world.pass("600s");
    CHECK(world.phase("db") == "up");
    world.says("db", Event::Kind::hung);
    CHECK(world.signals() == "db:ABRT");
}

TEST_CASE("a service may set the time of its watchdog before it is up") {
    World world(
        "[units.db]\n[units.db.service]\ntype = 'notify'\ncommand = '/bin/db'\nwatchdog = '1h'\nrestart = 'no'\n");
    world.ask("db");
    world.says("db", Event::Kind::watchdog, std::chrono::seconds(5));
    world.ready("db");
    CHECK(world.record("db").watchdog == std::chrono::seconds(5));
    world.pass("5s");
    CHECK(world.why("db") == "db is stopping: its watchdog ran out: WATCHDOG=1 did not come in time.");
}

TEST_CASE("the watchdog rests during a reload and begins anew after it") {
    World world = up();
    world.says("db", Event::Kind::reloading);
    world.pass("60s");
    CHECK(world.phase("db") == "reloading");
    world.ready("db");
    world.pass("9s");
    CHECK(world.phase("db") == "up");
    world.pass("1s");
    CHECK(world.phase("db") == "stopping");
}

TEST_CASE("a hundred thousand signs of life leave nothing behind in the list of deadlines") {
    World world = up();
    for (int i = 0; i < 100'000; ++i)
        world.says("db", Event::Kind::alive);
    CHECK(world.engine().next_deadline() == world.now() + std::chrono::seconds(10));
    CHECK(world.engine().deadlines() <= 2);
}

TEST_CASE("it can be asked who would be judged at a moment, again and again, and what they say until then counts") {
    World world = up();
    world.says("db", Event::Kind::alive);
    const Instant deadline = world.now() + std::chrono::seconds(10);
    CHECK(world.engine().due(deadline - Span{1}).empty());
    for (int i = 0; i < 2; ++i)
        CHECK(world.engine().due(deadline) == std::vector{world.engine().graph().find("db")});
    CHECK(world.engine().next_deadline() == deadline);
    world.pass("9s");
    world.says("db", Event::Kind::alive);
    CHECK(world.engine().due(deadline).empty());
    CHECK(world.engine().next_deadline() == deadline + std::chrono::seconds(9));
    world.pass("10s");
    CHECK(world.phase("db") == "stopping");
}

TEST_CASE("one that says it is stopping is given its stop-timeout, and its exit counts as its own end") {
    World world = up();
    world.says("db", Event::Kind::leaving);
    CHECK(world.phase("db") == "stopping");
    CHECK(world.signals().empty());
    world.exit("db", 0);
    CHECK(world.phase("db") == "down");
    CHECK(world.why("db") == "db is down: it ended by itself with exit code 0.");
}

TEST_CASE("one that says it is stopping and does not is killed") {
    World world = up();
    world.says("db", Event::Kind::leaving);
    world.pass("10s");
    CHECK(world.signals() == "db:KILL+");
}

TEST_CASE("one that is frozen need not say that it is alive, and has its whole time once it is thawed") {
    World world = up();
    world.pass("9s");
    world.says("db", Event::Kind::freeze);
    world.pass("1h");
    CHECK(world.phase("db") == "up");
    CHECK(world.signals().empty());
    world.says("db", Event::Kind::reloading); // said before it was frozen, heard after
    world.says("db", Event::Kind::alive);
    world.pass("1h");
    CHECK(world.phase("db") == "up");
    world.says("db", Event::Kind::thaw);
    world.pass("9s");
    CHECK(world.phase("db") == "up");
    world.pass("1s");
    CHECK(world.signals() == "db:ABRT");
}

TEST_CASE("a stop ends the freezing") {
    World world = up();
    world.says("db", Event::Kind::freeze);
    world.stop("db");
    CHECK(world.signals() == "db:TERM+");
    world.die("db", 15);
    world.ask("db");
    world.ready("db");
    world.pass("10s");
    CHECK(world.signals() == "db:ABRT");
}

} // namespace mi::core
