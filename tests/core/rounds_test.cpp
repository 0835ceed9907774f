// Units that start one another round and round, and what holds them back.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

namespace {

const std::string two_oneshots = "[units.a]\non-success = ['b']\nservice = { type = 'oneshot', command = '/a' }\n"
                                 "[units.b]\non-success = ['a']\nservice = { type = 'oneshot', command = '/b' }\n";

// Lets everything that runs end with this exit code at once, for so long. Gives how many processes were started.
int run_round(World& world, std::string_view span, int code = 0) {
    int starts = 0;
    const Instant end = world.now() + duration(span);
    while (world.now() < end) {
        for (std::string running = world.running(); !running.empty(); running = world.running())
            world.exit(running.substr(0, running.find(' ')), code);
        if (const std::string spawned = world.spawned(); !spawned.empty())
            starts += 1 + static_cast<int>(std::ranges::count(spawned, ' '));
        world.pass("50ms");
    }
    return starts;
}

std::string warnings(std::string_view units) {
    const Graph graph(units_of(units));
    std::string text;
    for (const Graph::Warning& warning : graph.warnings())
        text += warning.text + "\n";
    return text;
}

} // namespace

TEST_CASE("a ring of units is told with one way round and the keys that make it") {
    const std::string brake = "; each round counts as a restart, with restart-delay and restart-limit\n";
    CHECK(warnings(two_oneshots) ==
          "ring of units that start one another: a -> b -> a (on-success, on-success)" + brake);
    CHECK(warnings("[units.a]\non-failure = ['b']\n[units.b]\non-success = ['c']\n[units.c]\nwants = ['a']\n") ==
          "ring of units that start one another: a -> b -> c -> a (on-failure, on-success, wants)" + brake);
    CHECK(warnings("[units.log]\non-failure = ['alert']\n[units.alert]\nrequires = ['web']\n"
                   "[units.web]\nrequires = ['log']\n") ==
          "ring of units that start one another: alert -> web -> log -> alert (requires, requires, on-failure)" +
              brake);
}

TEST_CASE("what starts nothing that leads back is no ring") {
    CHECK(warnings("[units.a]\non-success = ['b', 'c']\n[units.b]\non-failure = ['c']\nafter = ['a']\n[units.c]\n"
                   "before = ['a']\nconflicts = ['b']\n") == "");
    // A cycle of what is needed is none either, and has its own report.
    CHECK(warnings("[units.a]\nrequires = ['b']\n[units.b]\nwants = ['a']\non-failure = ['x']\n[units.x]\n") == "");
    CHECK(warnings("[units.a]\non-success = ['a']\n") == "");
}

TEST_CASE("two oneshots that start one another are held back, and end at their restart limit") {
    World world(two_oneshots);
    world.ask("a");
    CHECK(run_round(world, "1s") <= 6);
    CHECK(run_round(world, "1h") <= 20);
    CHECK(world.running() == "");
    CHECK(world.phase("a") == "done");
    CHECK(world.why("b") == "b is failed: it ended too often in a row, started each time by the end of a.");
    world.ask("a"); // by hand it begins anew
    CHECK(world.spawned() == "a");
    CHECK(run_round(world, "1h") >= 10);
    CHECK(world.running() == "");
}

TEST_CASE("a delay is doubled each time round, and says why there is one") {
    World world(two_oneshots);
    world.ask("a");
    world.exit("a");
    CHECK(world.phase("b") == "backoff");
    CHECK(world.why("b") == "b is backoff: it is one of units that start one another.");
    world.pass("200ms");
    world.exit("b");
    CHECK(world.phase("a") == "backoff");
    world.pass("200ms");
    CHECK(world.phase("a") == "starting");
    world.exit("a");
    world.pass("150ms");
    CHECK(world.phase("b") == "backoff");
    world.pass("150ms");
    CHECK(world.phase("b") == "starting");
}

TEST_CASE("a ring of failures ends: both fail, and nobody starts them any more") {
    World world("[units.a]\non-failure = ['b']\nservice = { command = '/a', restart = 'no' }\n"
                "[units.b]\non-failure = ['a']\nservice = { command = '/b', restart = 'no', restart-limit = 3 }\n");
    world.ask("a");
    CHECK(run_round(world, "1h", 1) <= 10);
    CHECK(world.phase("a") == "failed");
    CHECK(world.phase("b") == "failed");
    CHECK(world.running() == "");
}

TEST_CASE("a ring through what is required is held back as well") {
    World world("[units.log]\non-failure = ['alert']\nservice = { command = '/log', restart = 'no' }\n"
                "[units.alert]\nwants = ['log']\nservice = { type = 'oneshot', command = '/alert' }\n");
    world.ask("log");
    CHECK(run_round(world, "1h", 1) <= 23);
    CHECK(world.running() == "");
}

TEST_CASE("a target that is started by what it wants is not started for ever") {
    World world("[units.t]\nwants = ['a']\n[units.t.target]\n"
                "[units.a]\non-failure = ['t']\nservice = { command = '/a', restart = 'no' }\n");
    world.ask("t");
    CHECK(run_round(world, "1h", 1) <= 12);
    CHECK(world.phase("a") == "failed");
    CHECK(world.phase("t") == "up");
}

TEST_CASE("a stable run in a ring begins the count anew") {
    World world("[units.main]\non-failure = ['clean']\nservice = { command = '/m', restart = 'no' }\n"
                "[units.clean]\non-success = ['main']\nservice = { type = 'oneshot', command = '/c' }\n");
    world.ask("main");
    for (int i = 0; i < 30; ++i) {
        world.pass("1min");
        REQUIRE(world.running() == "main");
        world.exit("main", 1);
        world.pass("200ms");
        REQUIRE(world.running() == "clean");
        world.exit("clean", 0);
        world.pass("200ms");
    }
    CHECK(world.running() == "main");
}

TEST_CASE("a ring through a timer's unit is held back, and its timer goes on") {
    World world("[units.a]\non-success = ['b']\nservice = { type = 'oneshot', command = '/a' }\ntimer.every = '1h'\n"
                "[units.b]\non-success = ['a']\nservice = { type = 'oneshot', command = '/b' }\n");
    world.ask("a");
    CHECK(run_round(world, "50min") <= 22);
    CHECK(world.running() == "");
    CHECK(world.armed() == "a");
    world.spawned();
    world.trigger("a");
    CHECK(world.spawned() == "a");
}

TEST_CASE("rounds are counted on by the next program") {
    World world(two_oneshots);
    world.ask("a");
    world.exit("a");
    const World::Copy copy = world.copy(units_of(two_oneshots));
    CHECK(copy.engine.record(world.id("b")) == world.record("b"));
    CHECK(world.record("b").rounds == 1);
}
