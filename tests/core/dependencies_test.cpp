// What units are to each other: who is started, waited for and stopped with whom.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

TEST_CASE("a unit starts only after everything it needs is up") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n");
    world.ask("db");
    CHECK(world.running() == "disk");
    world.ready("disk");
    CHECK(world.running() == "disk db");
}

TEST_CASE("everything that can start starts at once") {
    World world("[units.a]\n[units.b]\n[units.c]\n[units.all]\nrequires = ['a', 'b', 'c']\n");
    world.ask("all");
    CHECK(sorted(world.running()) == "a b c");
    world.ready("c");
    world.ready("a");
    CHECK(sorted(world.running()) == "a b c");
    world.ready("b");
    CHECK(sorted(world.running()) == "a all b c");
}

TEST_CASE("when a requirement stops, what requires it stops first and comes back with it") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n");
    world.ask("db");
    world.ready("disk");
    world.ready("db");
    world.stop("disk");
    CHECK(world.signals() == "db:TERM+");
    CHECK(world.phase("disk") == "up");
    world.die("db", 15);
    CHECK(world.signals() == "disk:TERM+");
    CHECK(world.phase("db") == "waiting");
    world.die("disk", 15);
    CHECK(world.phase("disk") == "down");
    world.ask("disk");
    CHECK(world.running() == "disk");
    world.ready("disk");
    CHECK(world.running() == "disk db");
}

TEST_CASE("when a requirement ends by itself, what requires it is stopped, and started again behind it") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n");
    world.ask("db");
    world.ready("disk");
    world.ready("db");
    world.exit("disk", 1);
    CHECK(world.phase("disk") == "backoff");
    CHECK(world.signals() == "db:TERM+");
    world.die("db", 15);
    CHECK(world.phase("db") == "waiting");
    world.pass("200ms");
    CHECK(world.running() == "disk");
    world.ready("disk");
    CHECK(world.running() == "disk db");
}

TEST_CASE("nothing starts on a requirement that is about to stop") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n[units.web]\nrequires = ['disk']\n");
    world.ask("db");
    world.ready("disk");
    world.ready("db");
    world.restart("disk"); // db goes first, slowly
    CHECK(world.phase("disk") == "up");
    world.ask("web");
    CHECK(world.phase("web") == "waiting");
    CHECK(world.running() == "disk db");
}

TEST_CASE("a whole chain goes down from its end and comes up from its root") {
    World world("[units.a]\n[units.b]\nrequires = ['a']\n[units.c]\nrequires = ['b']\n");
    world.ask("c");
    for (const char* unit : {"a", "b", "c"})
        world.ready(unit);
    world.spawned();
    world.restart("a");
    for (const char* unit : {"c", "b", "a"}) {
        CHECK(world.signals() == std::string(unit) + ":TERM+");
        world.die(unit, 15);
    }
    CHECK(world.running() == "a");
    world.ready("a");
    world.ready("b");
    CHECK(world.spawned() == "a b c");
}

TEST_CASE("a wanted unit is started first and need not succeed") {
    World world("[units.cache]\nservice = { type = 'oneshot', command = '/c' }\n[units.web]\nwants = ['cache']\n");
    world.ask("web");
    CHECK(world.running() == "cache");
    world.exit("cache", 1);
    CHECK(world.phase("cache") == "failed");
    CHECK(world.running() == "web");
}

TEST_CASE("a wanted unit that stops later does not concern who wants it") {
    World world("[units.cache]\n[units.web]\nwants = ['cache']\n");
    world.ask("web");
    world.ready("cache");
    world.ready("web");
    world.stop("cache");
    world.die("cache", 15);
    CHECK(world.phase("web") == "up");
    CHECK(world.phase("cache") == "down");
    world.ask("cache");
    CHECK(world.phase("cache") == "starting");
    CHECK(world.phase("web") == "up");
}

TEST_CASE("a wanted unit stopped by hand, missing, skipped or invalid is not waited for") {
    World world("[units.cache]\ncondition = { path-exists = '/x' }\nservice.command = '/c'\n"
                "[units.queue]\n[units.bad]\nfoo = 1\n[units.web]\nwants = ['cache', 'queue', 'ghost', 'bad']\n");
    world.stop("queue");
    world.unmet("cache", "path-exists = /x");
    world.ask("web");
    CHECK(world.phase("cache") == "skipped");
    CHECK(world.phase("queue") == "down");
    CHECK(world.phase("bad") == "invalid");
    CHECK(world.running() == "web");
}

TEST_CASE("a milestone has to come up once, and may go then") {
    World world("[units.setup]\n[units.web]\nmilestones = ['setup']\n");
    world.ask("web");
    CHECK(world.running() == "setup");
    world.ready("setup");
    world.ready("web");
    world.exit("setup", 0);
    CHECK(world.phase("setup") == "down");
    CHECK(world.phase("web") == "up");
    // What it does later does not concern us: not even our own restart.
    world.exit("web", 1);
    world.pass("200ms");
    CHECK(world.running() == "web");
}

TEST_CASE("a milestone that was stopped has to come up anew for those that start later") {
    World world = World::all_up("[units.setup]\n[units.web]\nmilestones = ['setup']\n", {"setup"});
    world.stop("setup");
    world.ask("web");
    CHECK(world.running() == "setup");
    world.ready("setup");
    CHECK(world.running() == "setup web");
}

TEST_CASE("a milestone that fails before it came up fails who has it") {
    World world("[units.setup]\nservice = { type = 'oneshot', command = '/c' }\n[units.web]\nmilestones = ['setup']\n");
    world.ask("web");
    world.exit("setup", 1);
    CHECK(world.phase("web") == "failed");
    CHECK(world.record("web").reason == Reason::dependency_failed);
}

TEST_CASE("a milestone that fails after it came up fails nobody") {
    World world("[units.setup]\nservice = { command = '/s', restart = 'no' }\n[units.web]\nmilestones = ['setup']\n");
    world.ask("web");
    world.ready("web");
    world.exit("setup", 1);
    CHECK(world.phase("setup") == "failed");
    world.exit("web", 1);
    world.pass("200ms");
    CHECK(world.running() == "web");
}

TEST_CASE("a wanted unit is waited for while what it requires is tried again") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n[units.web]\nwants = ['db']\n");
    world.ask("web");
    world.exit("disk", 1);
    CHECK(world.phase("disk") == "backoff");
    CHECK(world.phase("web") == "waiting");
    world.pass("200ms");
    world.ready("disk");
    world.ready("db");
    CHECK(world.running() == "disk db web");
}

TEST_CASE("after and before are order only, for start and in reverse for stop") {
    World world("[units.one]\n[units.two]\nafter = ['one']\n[units.zero]\nbefore = ['one']\n"
                "[units.all]\ntarget = {}\nwants = ['one', 'two', 'zero']\n");
    world.ask("all");
    CHECK(world.running() == "zero");
    world.ready("zero");
    world.ready("one");
    world.ready("two");
    CHECK(world.phase("all") == "up");
    world.shut_down();
    CHECK(world.signals() == "two:TERM+");
    world.die("two", 15);
    CHECK(world.signals() == "one:TERM+");
    world.die("one", 15);
    CHECK(world.signals() == "zero:TERM+");
}

TEST_CASE("what only comes after another starts neither it nor waits for one that nobody wants") {
    World world("[units.one]\n[units.two]\nafter = ['one']\n");
    world.ask("two");
    CHECK(world.running() == "two");
}

TEST_CASE("conflicting units displace each other, and never run together") {
    World world("[units.a]\nconflicts = ['b']\n[units.b]\n");
    world.ask("a");
    world.ready("a");
    world.ask("b");
    CHECK(world.signals() == "a:TERM+");
    CHECK(world.running() == "a");
    CHECK(world.phase("b") == "waiting");
    world.die("a", 15);
    CHECK(world.running() == "b");
    world.ready("b");
    world.ask("a");
    CHECK(world.signals() == "b:TERM+");
    world.die("b", 15);
    CHECK(world.running() == "a");
    CHECK(world.phase("b") == "down");
}

TEST_CASE("a conflict also ends a pending restart") {
    World world("[units.a]\n[units.b]\nconflicts = ['a']\n");
    world.ask("a");
    world.ready("a");
    world.exit("a", 1);
    CHECK(world.phase("a") == "backoff");
    world.ask("b");
    CHECK(world.phase("a") == "down");
    CHECK(world.why("a") == "a is down: it ended with exit code 1 (it conflicts with b).");
    world.pass("1min");
    CHECK(world.running() == "b");
}

TEST_CASE("what requires the displaced unit goes with it") {
    World world("[units.a]\n[units.web]\nrequires = ['a']\n[units.b]\nconflicts = ['a']\n");
    world.obedient();
    world.ask("web");
    world.ready("a");
    world.ready("web");
    world.ask("b");
    CHECK(world.running() == "b");
    CHECK(world.phase("web") == "waiting");
    world.ask("web");
    CHECK(world.phase("b") == "down");
    CHECK(world.running() == "a");
}

TEST_CASE("required-by and wanted-by are the same edges declared from the other side") {
    World world("[units.hard]\nrequired-by = ['all']\n[units.soft]\nwanted-by = ['all']\n[units.all]\n");
    world.ask("all");
    CHECK(sorted(world.running()) == "hard soft");
    world.ready("soft");
    CHECK(sorted(world.running()) == "hard soft");
    world.ready("hard");
    CHECK(sorted(world.running()) == "all hard soft");
    world.ready("all");
    world.stop("soft");
    CHECK(world.phase("all") == "up");
    world.stop("hard");
    CHECK(world.phase("all") == "stopping");
}

TEST_CASE("the edges of a disabled unit from the other side are not in force") {
    World world("[units.hard]\nenabled = false\nrequired-by = ['all']\n[units.soft]\nenabled = false\n"
                "wanted-by = ['all']\n[units.direct]\nenabled = false\n[units.all]\nwants = ['direct']\n");
    world.ask("all");
    CHECK(world.running() == "direct");
    world.ask("hard");
    CHECK(world.running() == "direct hard");
}

TEST_CASE("a dependency that only others needed is stopped with the last of them") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n[units.web]\nwants = ['disk']\n");
    world.ask("db");
    world.ask("web");
    world.ready("disk");
    world.ready("db");
    world.ready("web");
    world.stop("db");
    world.die("db", 15);
    CHECK(world.phase("disk") == "up");
    world.signals();
    world.stop("web");
    CHECK(world.signals() == "web:TERM+");
    world.die("web", 15);
    CHECK(world.signals() == "disk:TERM+");
    world.die("disk", 15);
    CHECK(world.phase("disk") == "down");
    CHECK(world.record("disk").reason == Reason::unneeded);
}

TEST_CASE("a dependency that was asked for itself stays") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n");
    world.ask("disk");
    world.ready("disk");
    world.ask("db");
    world.ready("db");
    world.stop("db");
    world.die("db", 15);
    CHECK(world.phase("disk") == "up");
}

TEST_CASE("what a unit that failed for good or ended had needed is stopped") {
    World world("[units.disk]\n[units.once]\nrequires = ['disk']\nservice = { command = '/o', restart = 'no' }\n");
    world.obedient("disk");
    world.ask("once");
    world.ready("disk");
    CHECK(world.phase("once") == "up");
    SUBCASE("ended") { world.exit("once", 0); }
    SUBCASE("failed") { world.exit("once", 1); }
    CHECK(world.phase("disk") == "down");
}

TEST_CASE("a target is up when what it needs is, and is found by its aliases") {
    World world(
        "[units.multi]\nrequires = ['a']\n[units.multi.target]\naliases = ['default', 'runlevel3']\n[units.a]\n");
    world.ask("default");
    CHECK(world.phase("multi") == "waiting");
    world.ready("a");
    CHECK(world.phase("runlevel3") == "up");
    CHECK(world.running() == "a");
    world.obedient();
    world.stop("default");
    CHECK(world.phase("multi") == "down");
    CHECK(world.running().empty());
}

TEST_CASE("a dependency may be named by an alias") {
    World world(
        "[units.net]\ntarget.aliases = ['network']\nwants = ['a']\n[units.a]\n[units.web]\nrequires = ['network']\n");
    world.ask("web");
    CHECK(world.running() == "a");
    world.ready("a");
    CHECK(world.running() == "a web");
}

TEST_CASE("starting what requires a unit stopped by hand starts that too, wanting it does not") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n[units.web]\nwants = ['disk']\n");
    world.stop("disk");
    world.ask("web");
    CHECK(world.running() == "web");
    world.ask("db");
    CHECK(world.running() == "web disk");
}

TEST_CASE("a stop by hand holds against those who need the unit until somebody starts it") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n");
    world.obedient();
    world.ask("db");
    world.ready("disk");
    world.ready("db");
    world.stop("disk");
    world.pass("1h");
    CHECK(world.running().empty());
    CHECK(world.phase("db") == "waiting");
    world.stop("db");
    CHECK(world.phase("db") == "down");
    world.ask("disk");
    world.ready("disk");
    CHECK(world.running() == "disk");
}
