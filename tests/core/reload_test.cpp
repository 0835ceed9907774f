// Units that are read again, added at run time, or taken over from an earlier engine: what was true stays true.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

TEST_CASE("reading units again leaves what runs alone") {
    World world("[units.a]\n[units.b]\nrequires = ['a']\n");
    world.ask("b");
    world.ready("a");
    world.ready("b");
    int a = world.record("a").main_pid, b = world.record("b").main_pid;
    world.changes();
    world.reread("[units.0first]\n[units.a]\ndescription = 'new'\n[units.b]\nrequires = ['a']\n[units.c]\n");
    CHECK(world.changes().empty());
    CHECK(world.signals().empty());
    CHECK(world.record("a").main_pid == a);
    CHECK(world.record("b").main_pid == b);
    CHECK(world.engine().graph().unit(world.id("a")).description == "new");
    world.ask("c");
    CHECK(world.phase("c") == "starting");
}

TEST_CASE("a new wish of a target that runs is fulfilled when units are read again") {
    World world("[units.t]\ntarget = {}\n");
    world.ask("t");
    world.reread("[units.t]\ntarget = {}\n[units.a]\nwanted-by = ['t']\n");
    CHECK(world.running() == "a");
}

TEST_CASE("a running service goes on when what pulled it in does not name it any more") {
    World world("[units.t]\ntarget = {}\n[units.a]\nwanted-by = ['t']\n");
    world.ask("t");
    world.ready("a");
    world.reread("[units.t]\ntarget = {}\n[units.a]\n");
    CHECK(world.signals().empty());
    CHECK(world.phase("a") == "up");
}

TEST_CASE("a running service goes on when it now requires what is not up") {
    World world("[units.a]\n[units.b]\n");
    world.ask("b");
    world.ready("b");
    SUBCASE("another unit") { world.reread("[units.a]\n[units.b]\nrequires = ['a']\n"); }
    SUBCASE("one that is not there") { world.reread("[units.a]\n[units.b]\nrequires = ['ghost']\n"); }
    CHECK(world.signals().empty());
    CHECK(world.phase("b") == "up");
}

TEST_CASE("a running service goes on when another file says that it is required by it") {
    World world("[units.b]\n");
    world.ask("b");
    world.ready("b");
    world.reread("[units.a]\nrequired-by = ['b']\n[units.b]\n");
    CHECK(world.signals().empty());
    CHECK(world.phase("b") == "up");
}

TEST_CASE("running services go on when they are said to conflict now") {
    World world("[units.a]\n[units.b]\n");
    for (const char* unit : {"a", "b"}) {
        world.ask(unit);
        world.ready(unit);
    }
    world.reread("[units.a]\nconflicts = ['b']\n[units.b]\n");
    CHECK(world.signals().empty());
    CHECK(world.phase("a") == "up");
    CHECK(world.phase("b") == "up");
}

TEST_CASE("a running service whose file is gone goes on until it is stopped") {
    World world = World::all_up("[units.a]\n[units.b]\n", {"a"});
    world.reread("[units.b]\n");
    CHECK(world.phase("a") == "up");
    CHECK(world.engine().is_gone(world.id("a")));
    SUBCASE("by hand") {
        world.stop("a");
        world.ask("a"); // of what is gone nothing is started
        CHECK(world.phase("a") == "down");
    }
    SUBCASE("by itself, whatever it said of that") {
        world.exit("a", 1);
        CHECK(world.phase("a") == "failed");
    }
    SUBCASE("and what is asked to start again is left as it is") {
        world.restart("a");
        CHECK(world.phase("a") == "up");
        world.stop("a");
    }
    CHECK(world.running().empty());
    world.reread("[units.b]\n");
    CHECK(world.engine().graph().find("a") == no_unit);
}

TEST_CASE("a file that is there again is that of the service that went on without") {
    World world = World::all_up("[units.a]\n[units.b]\n", {"a"});
    world.reread("[units.b]\n");
    world.reread("[units.a]\n[units.b]\n");
    world.restart("a");
    CHECK(world.phase("a") == "starting");
}

TEST_CASE("what runs is stopped as what it was started as, and started as what it is then") {
    const std::string service = "[units.a]\nservice = { type = 'notify', command = '/a', stop-command = '/s' }\n";
    World world(service + "[units.b]\nrequires = ['a']\n");
    world.ask("b");
    world.ready("a");
    world.ready("b");
    std::string fresh;
    SUBCASE("a target") { fresh = "[units.a]\n[units.a.target]\n"; }
    SUBCASE("a oneshot") { fresh = "[units.a]\nservice = { type = 'oneshot', command = '/a' }\n"; }
    SUBCASE("a file that cannot be used") { fresh = "[units.a]\nservic = 1\n"; }
    world.spawned();
    world.reread(fresh + "[units.b]\nrequires = ['a']\n");
    CHECK(world.phase("a") == "up");
    CHECK(world.engine().later(world.id("a")) != nullptr);
    world.restart("a");
    world.die("b", 15);
    CHECK(world.spawned() == "a/stop-command");
    world.hook_exit("a");
    CHECK(world.signals() == "b:TERM+ a:TERM+");
    world.die("a", 15);
    CHECK(world.engine().later(world.id("a")) == nullptr);
    if (fresh.find("target") != std::string::npos)
        CHECK(world.phase("a") == "up");
    else if (fresh.find("oneshot") != std::string::npos)
        CHECK(world.phase("a") == "starting");
    else
        CHECK(world.phase("a") == "invalid");
}

TEST_CASE("a target that is up and becomes a service is stopped as a target") {
    World world("[units.t]\n[units.t.target]\n");
    world.ask("t");
    world.reread("[units.t]\nservice = { command = '/t', stop-command = '/s', restart = 'no' }\n");
    CHECK(world.phase("t") == "up");
    world.stop("t");
    CHECK(world.spawned() == "");
    CHECK(world.phase("t") == "down");
    world.ask("t");
    CHECK(world.running() == "t");
}

TEST_CASE("a oneshot that is done and becomes a service runs as one when it is started again") {
    World world("[units.a]\nservice = { type = 'oneshot', command = '/a' }\n[units.b]\nrequires = ['a']\n");
    world.ask("b");
    world.exit("a", 0);
    world.ready("b");
    world.reread("[units.a]\nservice = { command = '/a' }\n[units.b]\nrequires = ['a']\n");
    CHECK(world.phase("a") == "done");
    world.ask("a");
    CHECK(world.phase("a") == "up");
    CHECK(world.running() == "b a");
    CHECK(world.phase("b") == "up");
}

TEST_CASE("an alias that is a running service's name is not that service") {
    World world = World::all_up("[units.a]\n[units.b]\n", {"a"});
    world.reread("[units.b]\n[units.b.target]\naliases = ['a']\n");
    world.stop("a");
    CHECK(world.running() == "");
}

TEST_CASE("a unit that comes and is required by what runs stops nothing") {
    World world("[units.web]\n");
    world.ask("web");
    world.ready("web");
    world.add("[units.new]\nrequired-by = ['web']\n");
    CHECK(world.phase("web") == "up");
    CHECK(world.signals() == "");
}

TEST_CASE("a unit whose file is gone while it stops is not started again") {
    World world("[units.a]\n[units.b]\nrequires = ['a']\n");
    world.ask("b");
    world.ready("a");
    world.ready("b");
    world.stop("b");
    world.die("b", 15);
    CHECK(world.phase("a") == "stopping");
    world.reread("[units.b]\n");
    world.die("a", 15);
    CHECK(world.phase("a") == "down");
    CHECK(world.running().empty());
}

TEST_CASE("a running service whose file became invalid goes on, and is invalid once it ended") {
    World world("[units.a]\n[units.b]\nrequires = ['a']\n");
    world.obedient();
    world.ask("b");
    world.ready("a");
    world.ready("b");
    world.reread("[units.a]\nfoo = 1\n[units.b]\nrequires = ['a']\n");
    CHECK(world.phase("a") == "up");
    CHECK(world.phase("b") == "up");
    world.spawned();
    SUBCASE("by itself") { world.exit("a", 1); }
    SUBCASE("stopped") { world.stop("a"); }
    SUBCASE("restarted") { world.restart("a"); }
    world.pass("1min");
    CHECK(world.phase("a") == "invalid");
    CHECK(world.spawned().empty());
    CHECK(world.phase("b") == "failed");
}

TEST_CASE("an invalid unit that was mended comes up for whom it failed") {
    World world("[units.a]\nfoo = 1\n[units.b]\nrequires = ['a']\n");
    world.ask("b");
    CHECK(world.phase("b") == "failed");
    world.reread("[units.a]\n[units.b]\nrequires = ['a']\n");
    CHECK(world.running() == "a");
    world.ready("a");
    CHECK(world.running() == "a b");
}

TEST_CASE("a unit with whose end everything is to end does so too when its file cannot be used any more") {
    constexpr std::string_view good = "[units.a]\nservice = { command = '/a', exit-action = 'shutdown' }\n[units.b]\n";
    constexpr std::string_view bad =
        "[units.a]\nfoo = 1\nservice = { command = '/a', exit-action = 'shutdown' }\n[units.b]\n";
    World world(good);
    world.ask("a");
    world.ask("b");
    SUBCASE("before its next try") {
        world.exit("a", 3);
        world.reread(bad);
        CHECK(world.exit_code() == 1);
    }
    SUBCASE("at its next end") {
        world.reread(bad);
        CHECK(world.phase("a") == "up");
        CHECK(world.concluded().empty());
        world.exit("a", 3);
        CHECK(world.exit_code() == 3);
    }
    CHECK(world.concluded() == "a:exit");
    CHECK(world.phase("a") == "invalid");
}

TEST_CASE("one that was stopped by hand does not end anything when its file is broken") {
    World world("[units.a]\nservice = { command = '/a', exit-action = 'shutdown' }\n[units.b]\n");
    constexpr std::string_view bad =
        "[units.a]\nfoo = 1\nservice = { command = '/a', exit-action = 'shutdown' }\n[units.b]\n";
    world.ask("a");
    SUBCASE("before") {
        world.stop("a");
        world.die("a", 15);
        world.reread(bad);
    }
    SUBCASE("after") {
        world.reread(bad);
        world.stop("a");
        world.die("a", 15);
    }
    CHECK(world.phase("a") == "invalid");
    CHECK(world.concluded().empty());
}

TEST_CASE("a pending restart, a start and a stop under way survive a new reading") {
    World world("[units.a]\nservice.command = '/a'\n[units.b]\n[units.c]\n");
    world.ask("a");
    world.ask("b");
    world.ask("c");
    world.exit("a", 1);
    world.ready("c");
    world.stop("c");
    world.reread("[units.0first]\n[units.a]\nservice.command = '/a'\n[units.b]\n[units.c]\n");
    CHECK(world.phase("a") == "backoff");
    CHECK(world.phase("b") == "starting");
    CHECK(world.phase("c") == "stopping");
    world.pass("200ms");
    CHECK(world.phase("a") == "up");
    world.ready("b");
    CHECK(world.phase("b") == "up");
    world.die("c", 15);
    CHECK(world.phase("c") == "down");
}

TEST_CASE("the cause of a failure is still named after a new reading") {
    World world("[units.a]\nservice = { type = 'oneshot', command = '/x' }\n[units.b]\nrequires = ['a']\n");
    world.ask("b");
    world.exit("a", 1);
    std::string why = world.why("b");
    world.reread(
        "[units.0first]\n[units.a]\nservice = { type = 'oneshot', command = '/x' }\n[units.b]\nrequires = ['a']\n");
    CHECK(world.why("b") == why);
}

TEST_CASE("a unit can be added at run time, also in place of one that was missing") {
    World world("[units.b]\nrequires = ['a']\n[units.t]\ntarget = {}\nwants = ['c']\n");
    world.ask("b");
    world.ask("t");
    CHECK(world.phase("b") == "failed");
    UnitId b = world.id("b");
    world.add("[units.a]\n");
    CHECK(world.id("b") == b);
    CHECK(world.running() == "a");
    world.add("[units.c]\n");
    CHECK(world.running() == "a c");
    world.ready("a");
    CHECK(world.running() == "a c b");
}

namespace {

// One more engine with the same units and the records of `world`.
World::Copy copy_of(const World& world, std::string_view toml) { return world.copy(units_of(toml)); }

} // namespace

TEST_CASE("an engine that takes over the records of another answers like it") {
    constexpr std::string_view toml =
        "[units.a]\nservice = { type = 'oneshot', command = '/x' }\n[units.b]\nrequires = "
        "['a']\n[units.c]\nservice.command = '/c'\n"
        "[units.d]\n[units.e]\nrequires = ['d']\n[units.f]\ncondition.container = true\nservice.command = '/f'\n"
        "[units.g]\nservice = { command = '/g', stop-command = ['/s'] }\n[units.h]\nconflicts = ['d']\n";
    World world(toml);
    world.unmet("f", "container = true");
    for (const char* unit : {"b", "c", "e", "f", "g"})
        world.ask(unit);
    world.exit("a", 1);
    world.exit("c", 1);
    world.ready("d");
    world.stop("g");
    World::Copy copy = copy_of(world, toml);
    CHECK(copy.engine.consistent());
    CHECK(copy.engine.take_effects().empty());
    CHECK(copy.engine.next_deadline() == world.engine().next_deadline());
    for (UnitId id = 0; id < copy.engine.graph().size(); ++id) {
        CAPTURE(copy.engine.graph().name(id));
        UnitId old = world.id(copy.engine.graph().name(id));
        CHECK(copy.engine.record(id) == world.engine().record(old));
        CHECK(explain(copy.engine, id) == explain(world.engine(), old));
    }
    CHECK(copy.engine.active_units() == world.engine().active_units());
    CHECK(copy.engine.coming_units() == world.engine().coming_units());
}

TEST_CASE("a record of an invalid unit does not make a mended one invalid") {
    World world("[units.a]\nfoo = 1\n[units.b]\nrequires = ['a']\n");
    world.ask("b");
    World::Copy copy = copy_of(world, "[units.a]\n[units.b]\nrequires = ['a']\n");
    CHECK(copy.phase("a") == "starting");
    CHECK(copy.phase("b") == "waiting");
}

TEST_CASE("a process of a unit that has become invalid meanwhile is not forgotten") {
    World world("[units.a]\n");
    world.ask("a");
    world.ready("a");
    World::Copy copy = copy_of(world, "[units.a]\nfoo = 1\n");
    CHECK(copy.phase("a") == "up");
}

TEST_CASE("a shutdown under way goes on in the engine that takes over") {
    World world("[units.a]\n");
    world.ask("a");
    world.ready("a");
    world.shut_down();
    World::Copy copy = copy_of(world, "[units.a]\n");
    CHECK(copy.engine.halting());
    CHECK(copy.phase("a") == "stopping");
}

TEST_CASE("a unit that is down can be taken out; the others keep what is true of them") {
    Engine engine(Graph(config::read_bundle("[units.a]\n[units.b]\nwants = ['a']\n[units.c]\nafter = ['a']\n", "test",
                                            {.bare_is_service = true})
                            .units),
                  {});
    const UnitId b = engine.graph().find("b");
    (void)engine.step({.kind = Event::Kind::start, .unit = b}, Instant{});
    const Phase before = engine.record(b).phase;
    const UnitId c = engine.graph().find("c");
    CHECK(engine.remove(c, Instant{}) == std::vector{c});
    CHECK(engine.graph().find("c") == no_unit);
    CHECK_FALSE(engine.graph().contains(c));
    CHECK(engine.graph().find("b") == b);
    CHECK(engine.record(b).phase == before);
}

TEST_CASE("a unit that cannot be used stays so from the same moment on when the files are read again") {
    constexpr std::string_view files = "[units.web]\nrequires = [\"db\"]\n";
    World world(files);
    const Instant since = world.record("db").since;
    REQUIRE(world.phase("db") == "invalid");
    world.pass("1h");
    world.reread(files);
    CHECK(world.phase("db") == "invalid");
    CHECK(world.record("db").since == since);
}
