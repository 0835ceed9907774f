// What goes on while everything else is stopped for a switch of the root.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

namespace {
constexpr char machine[] =
    "[units.basic]\ntarget = {}\nwants = ['seed']\n"
    "[units.seed]\nservice = { command = '/seed' }\n"
    "[units.disk]\nrequires = ['basic']\nservice = { command = '/disk', switch-root = 'keep' }\n"
    "[units.crypt]\nrequires = ['disk']\nservice = { command = '/crypt', switch-root = 'keep' }\n"
    "[units.web]\nrequires = ['disk']\nservice = { command = '/web' }\n"
    "[units.default]\ntarget = {}\nwants = ['web', 'crypt', 'disk']\n";
}

TEST_CASE("leaving a root stops what does not ask to be kept, and the targets with it, and touches nothing else") {
    World world(machine);
    world.ask("default");
    REQUIRE(sorted(world.running()) == "crypt disk seed web");
    const int disk = world.record("disk").main_pid;
    world.leave();
    CHECK(sorted(world.signals()) == "seed:TERM+ web:TERM+");
    world.die("web", 15);
    CHECK_FALSE(world.halted());
    world.die("seed", 15);
    CHECK(world.halted());
    CHECK(sorted(world.running()) == "crypt disk");
    CHECK(world.phase("basic") == "down");
    CHECK(world.record("disk").main_pid == disk);
    CHECK(world.record("disk").restarts == 0);
    CHECK(world.engine().consistent());
}

TEST_CASE("what is kept brings nothing up again in the last stage of leaving") {
    World world(std::string(machine) + "[units.shutdown]\ntarget = {}\nwants = ['save']\n"
                                       "[units.save]\nservice = { type = 'oneshot', command = '/save' }\n");
    world.obedient("seed");
    world.obedient("web");
    world.ask("default");
    world.spawned();
    world.leave();
    CHECK(world.spawned() == "save");
    world.exit("save", 0);
    CHECK(world.spawned().empty());
    CHECK(world.halted());
    CHECK(sorted(world.running()) == "crypt disk");
}

TEST_CASE("a kept unit that ends while a root is left is waited for and not started again") {
    World world(machine);
    world.ask("default");
    world.leave();
    world.die("web", 15);
    world.leave_behind("crypt");
    world.die("crypt", 11);
    world.die("seed", 15);
    CHECK_FALSE(world.halted());
    world.leftovers_end("crypt");
    CHECK(world.halted());
    CHECK(world.running() == "disk");
    CHECK(world.record("crypt").next == Next::as_wanted);
}

TEST_CASE("a kept unit can be stopped by hand while a root is left") {
    World world(machine);
    world.ask("default");
    world.leave();
    world.stop("crypt");
    CHECK(sorted(world.signals()) == "crypt:TERM+ seed:TERM+ web:TERM+");
}

TEST_CASE("a kept unit that failed and is started again while a root is left is still kept") {
    World world("[units.web]\nservice = { command = '/web', activation = 'on-demand', switch-root = 'keep' }\n"
                "[[units.web.listen]]\nstream = '/run/web'\n");
    world.ask("web");
    world.exit("web", 0);
    REQUIRE(world.record("web").stage == Stage::idle);
    world.leave();
    world.says("web", Event::Kind::overrun);
    CHECK(world.phase("web") == "failed");
    world.reset("web");
    CHECK(world.phase("web") == "up");
    CHECK(world.record("web").next == Next::keep);
}

TEST_CASE("a kept unit that only waits for its trigger, and is read again without it, is stopped for good") {
    const std::string web =
        "[units.web]\nservice = { command = '/web', activation = 'on-demand', switch-root = 'keep' }\n"
        "[[units.web.listen]]\nstream = '/run/web'\n";
    World world(web);
    world.ask("web");
    world.exit("web", 0);
    world.leave();
    world.reread("[units.web]\nservice = { command = '/web', switch-root = 'keep' }\n");
    CHECK(world.phase("web") == "down");
    CHECK(world.record("web").asked == Asked::nothing);
    CHECK(world.running().empty());
}

TEST_CASE("when the machine is to be shut down after all, what was kept is stopped too") {
    World world(machine);
    world.ask("default");
    world.leave();
    world.signals();
    world.shut_down();
    CHECK(world.signals() == "crypt:TERM+"); // the disk goes after it
    world.obedient();
    for (const char* unit : {"crypt", "web", "seed"})
        world.die(unit, 15);
    CHECK(world.halted());
    CHECK(world.running().empty());
}

TEST_CASE("an engine that takes over in the middle of leaving keeps what is kept") {
    World world(machine);
    world.ask("default");
    world.leave();
    world.die("web", 15);
    auto copy = world.copy(units_of(machine));
    CHECK(copy.phase("disk") == "up");
    CHECK(copy.phase("crypt") == "up");
    CHECK(copy.engine.consistent());
}

TEST_CASE("a target that is isolated leaves alone what is to outlive even a switch of the root") {
    World world(std::string(machine) + "[units.rescue]\ntarget = {}\n");
    world.obedient();
    world.ask("default");
    world.isolate("rescue");
    CHECK(sorted(world.running()) == "crypt disk seed"); // and what that needs
}
