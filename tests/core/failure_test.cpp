// What a failure means to others: chains, recovery, on-failure and on-success; and isolate.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

namespace {

// A oneshot table for inline use.
const std::string oneshot = "service = { type = 'oneshot', command = '/x' }\n";

} // namespace

TEST_CASE("who requires a unit that failed fails, down the whole chain, and names its cause") {
    World world("[units.a]\n" + oneshot + "[units.b]\nrequires = ['a']\n[units.c]\nrequires = ['b']\n");
    world.ask("c");
    world.exit("a", 2);
    CHECK(world.phase("b") == "failed");
    CHECK(world.phase("c") == "failed");
    CHECK(world.why("c") ==
          "c is failed: dependency failed: b. b is failed: dependency failed: a. a is failed: it ended with "
          "exit code 2.");
    CHECK(world.spawned() == "a");
}

TEST_CASE("a chain that failed recovers when its root does") {
    World world("[units.a]\n" + oneshot + "[units.b]\nrequires = ['a']\n[units.c]\nrequires = ['b']\n");
    world.ask("c");
    world.exit("a", 2);
    std::string what;
    SUBCASE("the root is started") { world.ask("a"); }
    SUBCASE("the root is reset") { world.reset("a"); }
    SUBCASE("the end is started") { world.ask("c"); }
    SUBCASE("the middle is started") { world.ask("b"); }
    CHECK(world.running() == "a");
    world.exit("a", 0);
    world.ready("b");
    world.ready("c");
    CHECK(world.phase("c") == "up");
}

TEST_CASE("a running unit whose requirement fails for good stops and fails with it") {
    World world =
        World::all_up("[units.a]\nservice = { command = '/a', restart = 'no' }\n[units.b]\nrequires = ['a']\n", {"b"});
    world.exit("a", 1);
    CHECK(world.phase("a") == "failed");
    CHECK(world.phase("b") == "failed");
    CHECK(world.why("b") == "b is failed: dependency failed: a. a is failed: it ended with exit code 1.");
}

TEST_CASE("a unit that requires one that is not there fails with that reason") {
    World world("[units.b]\nrequires = ['ghost']\n[units.c]\nmilestones = ['ghost']\n");
    world.ask("b");
    world.ask("c");
    CHECK(world.why("b") == "b is failed: dependency failed: ghost. ghost is invalid: there is no unit of that name.");
    CHECK(world.phase("c") == "failed");
    CHECK(world.running().empty());
}

TEST_CASE("an invalid unit never stops anybody else, and cannot be started") {
    World world("[units.bad]\nfoo = 1\n[units.good]\n[units.t]\ntarget = {}\nwants = ['bad', 'good']\n");
    world.ask("t");
    world.ask("bad");
    CHECK(world.phase("bad") == "invalid");
    CHECK(world.running() == "good");
    world.ready("good");
    CHECK(world.phase("t") == "up");
    CHECK(world.why("bad").starts_with("bad is invalid: "));
}

TEST_CASE("on-failure units are started when a unit fails for good, not before") {
    World world(
        "[units.a]\nservice = { command = '/a', restart-limit = 1, restart-delay = '1s' }\non-failure = ['alarm']\n"
        "[units.alarm]\n" +
        oneshot);
    world.ask("a");
    world.exit("a", 1);
    CHECK(world.phase("alarm") == "down");
    world.pass("2s");
    world.exit("a", 1);
    CHECK(world.phase("a") == "failed");
    CHECK(world.running() == "alarm");
    // And again the next time, although it is done.
    world.exit("alarm", 0);
    world.ask("a");
    world.exit("a", 1);
    world.pass("2s");
    world.exit("a", 1);
    CHECK(world.running() == "alarm");
}

TEST_CASE("on-failure is for failure by a dependency as well: a target has no other") {
    World world("[units.a]\n" + oneshot +
                "[units.t]\ntarget = {}\nrequires = ['a']\non-failure = ['rescue']\n"
                "[units.rescue]\ntarget = {}\n");
    world.ask("t");
    world.exit("a", 1);
    CHECK(world.phase("t") == "failed");
    CHECK(world.phase("rescue") == "up");
}

TEST_CASE("on-success units are started when a unit completes") {
    SUBCASE("a oneshot") {
        World world("[units.a]\n" + oneshot + "on-success = ['next']\n[units.next]\n");
        world.ask("a");
        world.exit("a", 0);
        CHECK(world.running() == "next");
    }
    SUBCASE("a service that ends well") {
        World world("[units.a]\nservice.command = '/a'\non-success = ['next']\n[units.next]\n");
        world.ask("a");
        world.exit("a", 0);
        CHECK(world.running() == "next");
    }
    SUBCASE("not one that fails, nor one that is stopped") {
        World world("[units.a]\nservice = { command = '/a', restart = 'no' }\non-success = ['next']\n[units.next]\n");
        world.ask("a");
        world.exit("a", 1);
        world.ask("a");
        world.stop("a");
        world.exit("a", 0);
        CHECK(world.phase("next") == "down");
    }
}

TEST_CASE("stop of a failed unit clears the failure") {
    World world("[units.a]\n" + oneshot + "[units.b]\nrequires = ['a']\n");
    world.ask("b");
    world.exit("a", 1);
    world.stop("a");
    CHECK(world.phase("a") == "down");
    CHECK(world.phase("b") == "waiting");
}

TEST_CASE("a new try of a target tries again what failed in it") {
    World world("[units.a]\n" + oneshot + "[units.t]\ntarget = {}\nwants = ['a']\n");
    world.ask("t");
    world.exit("a", 1);
    CHECK(world.phase("t") == "up");
    world.isolate("t");
    CHECK(world.running() == "a");
}

TEST_CASE("isolate stops what the target does not need and starts what it does") {
    World world("[units.multi]\ntarget = {}\nwants = ['web', 'getty']\n[units.rescue]\ntarget = {}\nwants = ['shell']\n"
                "requires = ['base']\n[units.web]\nrequires = ['base']\n[units.getty]\n[units.shell]\n[units.base]\n"
                "[units.extra]\n");
    world.obedient();
    world.ask("multi");
    world.ask("extra");
    for (const char* unit : {"base", "web", "getty", "extra"})
        world.ready(unit);
    world.isolate("rescue");
    CHECK(sorted(world.running()) == "base shell");
    world.ready("shell");
    CHECK(world.phase("rescue") == "up");
    CHECK(world.phase("multi") == "down");
    CHECK(world.record("base").restarts == 0);
    world.isolate("multi");
    CHECK(sorted(world.running()) == "base getty web");
    CHECK(world.phase("extra") == "down");
}

TEST_CASE("isolate forgets what was stopped by hand before") {
    World world("[units.t]\ntarget = {}\nwants = ['a']\n[units.a]\n");
    world.obedient();
    world.ask("t");
    world.ready("a");
    world.stop("a");
    world.isolate("t");
    CHECK(world.running() == "a");
}

TEST_CASE("isolate leaves a oneshot that is done alone") {
    World world("[units.t]\ntarget = {}\nrequires = ['a']\n[units.a]\n" + oneshot);
    world.ask("t");
    world.exit("a", 0);
    world.isolate("t");
    CHECK(world.phase("a") == "done");
    CHECK(world.spawned() == "a");
}

TEST_CASE("a unit whose requirement cannot come up by itself waits, and does not hold up what comes after it") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n[units.web]\nwants = ['db']\n");
    world.obedient();
    world.ask("web");
    world.ready("disk");
    world.ready("db");
    world.ready("web");
    world.stop("disk");
    world.restart("web");
    CHECK(world.phase("db") == "waiting");
    CHECK(world.running() == "web");
    CHECK(world.why("db") == "db is waiting: it requires disk, which is down. disk is down: stopped by hand.");
}

TEST_CASE("two failures of one unit's requirements have to go before it recovers") {
    World world("[units.a]\n" + oneshot + "[units.b]\n" + oneshot + "[units.c]\nrequires = ['a', 'b']\n");
    world.ask("a");
    world.ask("b");
    world.ask("c");
    world.exit("a", 1);
    world.exit("b", 1);
    CHECK(world.phase("c") == "failed");
    world.ask("a");
    world.exit("a", 0);
    CHECK(world.phase("c") == "failed");
    world.ask("b");
    world.exit("b", 0);
    CHECK(world.running() == "c");
}

TEST_CASE("a service that was killed for want of memory says so, and of which") {
    World world("[units.hog.service]\ncommand = '/x'\n");
    world.ask("hog");
    world.starve("hog", "memory-max 64M");
    CHECK(world.why("hog") == "hog is backoff: killed: out of memory (memory-max 64M).");
    world.pass("1s");
    CHECK(world.running() == "hog");
    world.die("hog", 9);
    CHECK(world.why("hog") == "hog is backoff: it ended with signal SIGKILL.");
}

TEST_CASE("so does a command around it") {
    World world("[units.hog.service]\ncommand = '/x'\npre-start = ['/y']\nrestart = 'no'\n");
    world.ask("hog");
    world.starve("hog", "memory-max 1M", Role::pre_start);
    CHECK(world.why("hog") ==
          "hog is failed: pre-start failed: pre-start command 1 was killed: out of memory (memory-max 1M).");
}

TEST_CASE("a reset is of what has failed: what ended well stays as it is") {
    World world("[units.well]\nservice = { command = '/w', restart = 'no' }\n"
                "[units.once]\nservice = { type = 'oneshot', command = '/o' }\n"
                "[units.skipped]\nservice.command = '/s'\ncondition.path-exists = '/x'\n"
                "[units.bad]\nservice = { command = '/b', restart = 'no' }\n"
                "[units.all]\nwants = ['well', 'once', 'skipped', 'bad']\n[units.all.target]\n");
    world.unmet("skipped", "path-exists = /x");
    world.ask("all");
    world.exit("well", 0);
    world.exit("once", 0);
    world.exit("bad", 1);
    world.spawned();
    for (const char* unit : {"well", "once", "skipped", "bad", "all"})
        world.reset(unit);
    CHECK(world.spawned() == "bad"); // which is wanted still, and has a new try
    CHECK(world.phase("well") == "down");
    CHECK(world.phase("once") == "done");
    CHECK(world.phase("skipped") == "skipped");
    CHECK(world.phase("bad") == "up");
    world.ask("well");
    CHECK(world.spawned() == "well");
}
