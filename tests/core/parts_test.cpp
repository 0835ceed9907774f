// Units that are part of others, or reloaded with them.
#include "world.hpp"

using namespace mi::core;

namespace {

constexpr std::string_view whole_and_parts = "[units.whole]\n"
                                             "[units.part]\npart-of = ['whole']\n"
                                             "[units.inner]\npart-of = ['part']\n";

} // namespace

TEST_CASE("a unit is stopped with what it is part of, and what is part of it in turn") {
    World world = World::all_up(whole_and_parts, {"whole", "part", "inner"});
    world.stop("whole");
    CHECK(world.phase("whole") == "down");
    CHECK(world.phase("part") == "down");
    CHECK(world.phase("inner") == "down");
    CHECK(world.why("part") == "part is down: whole, which it is part of, stopped. whole is down: stopped by hand.");
}

TEST_CASE("a unit does not need what it is part of, and that does not need it") {
    World world = World::all_up(whole_and_parts, {"part"});
    CHECK(world.phase("part") == "up");
    CHECK(world.phase("whole") == "down");
    world.ask("whole");
    world.ready("whole");
    world.stop("part");
    CHECK(world.phase("whole") == "up");
    World alone("[units.part]\npart-of = ['nowhere']\n");
    alone.ask("part");
    alone.ready("part");
    CHECK(alone.phase("part") == "up");
}

TEST_CASE("what something wants comes back when what it is part of is started again") {
    World world("[units.group]\ntarget = {}\nwants = ['whole', 'part']\n"
                "[units.whole]\n[units.part]\npart-of = ['whole']\nafter = ['whole']\n");
    world.obedient();
    world.ask("group");
    world.ready("whole");
    world.ready("part");
    world.stop("whole");
    CHECK(world.phase("part") == "down");
    world.ask("whole");
    CHECK(world.phase("part") == "waiting");
    world.ready("whole");
    world.ready("part");
    CHECK(world.phase("part") == "up");
}

TEST_CASE("a part is started by name although what it is part of was stopped") {
    World world = World::all_up(whole_and_parts, {"whole", "part"});
    world.stop("whole");
    world.ask("part");
    world.ready("part");
    CHECK(world.phase("part") == "up");
    CHECK(world.phase("whole") == "down");
    world.stop("whole"); // once more
    CHECK(world.phase("part") == "down");
}

TEST_CASE("a unit is restarted with what it is part of") {
    World world = World::all_up(whole_and_parts, {"whole", "part", "inner"});
    const auto before = std::pair(world.record("part").main_pid, world.record("inner").main_pid);
    world.restart("whole");
    for (std::string_view name : {"whole", "part", "inner"})
        world.ready(std::string(name));
    CHECK(world.phase("part") == "up");
    CHECK(world.phase("inner") == "up");
    CHECK(world.record("part").main_pid != before.first);
    CHECK(world.record("inner").main_pid != before.second);
}

TEST_CASE("a unit that requires its part is restarted with it") {
    World world =
        World::all_up("[units.whole]\nrequires = ['part']\n[units.part]\npart-of = ['whole']\n", {"part", "whole"});
    const auto before = std::pair(world.record("whole").main_pid, world.record("part").main_pid);
    world.restart("whole");
    world.ready("part");
    world.ready("whole");
    CHECK(world.phase("whole") == "up");
    CHECK(world.record("whole").main_pid != before.first);
    CHECK(world.record("part").main_pid != before.second);
    world.stop("whole");
    CHECK(world.phase("part") == "down");
    world.ask("whole");
    world.ready("part");
    world.ready("whole");
    CHECK(world.phase("whole") == "up");
}

TEST_CASE(
    "a unit goes on when what it is part of has ended for good, and is restarted with it when it is tried again") {
    World world = World::all_up("[units.whole]\nservice = { command = '/w', restart = 'no' }\n"
                                "[units.part]\npart-of = ['whole']\n",
                                {"whole", "part"});
    world.exit("whole", 1);
    CHECK(world.phase("whole") == "failed");
    CHECK(world.phase("part") == "up");
    World again =
        World::all_up("[units.whole]\nservice = { command = '/w', restart = 'always', restart-delay = '1s' }\n"
                      "[units.part]\npart-of = ['whole']\n",
                      {"whole", "part"});
    const auto before = again.record("part").main_pid;
    again.exit("whole", 1);
    CHECK(again.phase("part") != "up");
    again.pass("3s");
    CHECK(again.phase("whole") == "up");
    again.ready("part");
    CHECK(again.phase("part") == "up");
    CHECK(again.record("part").main_pid != before);
}

TEST_CASE("a unit stops with what it is part of when a requirement of that is stopped") {
    World world = World::all_up("[units.base]\n[units.whole]\nrequires = ['base']\n[units.part]\npart-of = ['whole']\n",
                                {"base", "whole", "part"});
    const auto before = world.record("part").main_pid;
    world.stop("base");
    CHECK(world.phase("whole") != "up");
    CHECK(world.record("part").main_pid != before);
}

TEST_CASE("units that are part of each other come up, stop and restart") {
    World world = World::all_up("[units.a]\npart-of = ['b']\n[units.b]\npart-of = ['a']\n", {"a", "b"});
    CHECK(world.phase("a") == "up");
    CHECK(world.phase("b") == "up");
    world.restart("a");
    world.ready("a");
    world.ready("b");
    CHECK(world.phase("a") == "up");
    CHECK(world.phase("b") == "up");
    world.stop("b");
    CHECK(world.phase("a") == "down");
    CHECK(world.phase("b") == "down");
}

TEST_CASE("a reload is passed on to what is reloaded with the unit, and on from there") {
    World world =
        World::all_up("[units.group]\ntarget = {}\n"
                      "[units.a]\nservice = { command = '/a', reload-command = '/ra' }\nreload-with = ['group', 'b']\n"
                      "[units.b]\nservice = { command = '/b', reload-command = '/rb' }\nreload-with = ['a']\n",
                      {"group", "a", "b"});
    world.reload("group");
    CHECK(world.phase("a") == "reloading");
    CHECK(world.phase("b") == "reloading");
    world.hook_exit("a");
    world.hook_exit("b");
    CHECK(world.phase("a") == "up");
    CHECK(world.phase("b") == "up");
}

TEST_CASE("a oneshot that is done is reloaded by its command, and is done again") {
    World world("[units.a]\nservice = { type = 'oneshot', command = '/a', reload-command = '/r' }\n"
                "[units.b]\nservice = { type = 'oneshot', command = '/b' }\n");
    for (const char* name : {"a", "b"}) {
        world.ask(name);
        world.exit(name, 0);
        CHECK(world.phase(name) == "done");
        world.reload(name);
    }
    CHECK(world.phase("a") == "reloading");
    CHECK(world.phase("b") == "done"); // it has no command, and no process that a signal could reach
    world.hook_exit("a");
    CHECK(world.phase("a") == "done");
}
