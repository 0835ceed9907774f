// Cost in proportion to what an event touches: counted in effects and in looks at units, never in time.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

namespace {

// `count` simple services that a target wants, each with the root as a requirement if there is one.
std::vector<Unit> many(std::size_t count, bool with_root = false) {
    std::vector<Unit> units(count + 1);
    units[0].name = "all";
    units[0].kind = Kind::target;
    for (std::size_t i = 1; i <= count; ++i) {
        units[i].name = "u" + std::to_string(i);
        units[i].service.command = {"/x"};
        units[i].dependencies.push_back({Relation::wanted_by, "all"});
        if (with_root && i > 1)
            units[i].dependencies.push_back({Relation::requirement, "u1"});
    }
    return units;
}

std::vector<Unit> chain(std::size_t count) {
    std::vector<Unit> units(count);
    for (std::size_t i = 0; i < count; ++i) {
        units[i].name = "u" + std::to_string(i);
        units[i].service.type = ServiceType::oneshot;
        units[i].service.restart = RestartPolicy::no;
        units[i].service.command = {"/x"};
        if (i > 0)
            units[i].dependencies.push_back({Relation::requirement, "u" + std::to_string(i - 1)});
    }
    return units;
}

} // namespace

TEST_CASE("10,000 units come up and go down with a handful of effects each") {
    constexpr std::size_t count = 10'000;
    World world(many(count));
    world.obedient();
    world.ask("all");
    CHECK(world.phase("all") == "up");
    CHECK(world.effects() <= 5 * count + 10); // three changes and a spawn
    CHECK(world.engine().active_units() == count + 1);
    CHECK(world.engine().coming_units() == 0);
    std::size_t before = world.effects();
    world.restart("u5000");
    CHECK(world.phase("u5000") == "up");
    CHECK(world.effects() - before <= 20); // nobody else is bothered
}

TEST_CASE("a chain of 10,000 comes up link by link, and fails at once from its root") {
    constexpr std::size_t count = 10'000;
    std::string last = "u" + std::to_string(count - 1);
    World world(chain(count));
    world.ask(last);
    SUBCASE("up") {
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t before = world.effects();
            world.exit("u" + std::to_string(i), 0);
            REQUIRE(world.effects() - before <= 5);
        }
        CHECK(world.phase(last) == "done");
    }
    SUBCASE("failed") {
        world.exit("u0", 1);
        CHECK(world.phase(last) == "failed");
        CHECK(world.effects() <= 4 * count);
        CHECK(explain(world.engine(), world.id(last)).size() == count);
    }
}

TEST_CASE("10,000 units behind one come down and back with it") {
    constexpr std::size_t count = 10'000;
    std::vector<Unit> units = many(count, true);
    Engine engine(Graph(std::move(units)), {});
    Instant now{std::chrono::seconds(1)};
    int pid = 1;
    std::size_t effects = 0;
    // The fake world in little: what is started runs, what is told to end does, all in one turn.
    auto play = [&](const Event& event) {
        engine.apply(event, now);
        for (;;) {
            engine.settle(now);
            std::vector<Effect> todo = engine.take_effects();
            if (todo.empty())
                return;
            effects += todo.size();
            for (const Effect& effect : todo) {
                if (effect.kind == Effect::Kind::spawn)
                    engine.apply({.kind = Event::Kind::spawned, .unit = effect.unit, .role = effect.role, .pid = ++pid},
                                 now);
                if (effect.kind == Effect::Kind::signal)
                    engine.apply({.kind = Event::Kind::exited,
                                  .unit = effect.unit,
                                  .role = Role::main,
                                  .exit = ExitStatus::signal(15)},
                                 now);
                if (effect.kind == Effect::Kind::sweep)
                    engine.apply({.kind = Event::Kind::emptied, .unit = effect.unit}, now);
            }
        }
    };
    play({.kind = Event::Kind::start, .unit = engine.graph().find("all")});
    CHECK(engine.active_units() == count + 1);
    effects = 0;
    play({.kind = Event::Kind::restart, .unit = engine.graph().find("u1")});
    CHECK(engine.active_units() == count + 1);
    CHECK(effects <= 10 * count); // five changes, a signal, a sweep, a release and a spawn
    CHECK(engine.consistent());
    effects = 0;
    play({.kind = Event::Kind::shutdown});
    CHECK(engine.active_units() == 0);
    CHECK(effects <= 6 * count);
    CHECK(engine.next_deadline() == never);
}

TEST_CASE("with a bound on parallel starts 10,000 units need no more effects than without") {
    constexpr std::size_t count = 10'000;
    World world(many(count), {.parallel_starts = 8});
    world.ask("all");
    CHECK(world.phase("all") == "up");
    CHECK(world.effects() <= 5 * count + 10);
}

TEST_CASE("a crash loop of days leaves nothing behind") {
    World world(
        "[units.a]\nservice = { command = '/a', restart-limit = 0, restart-delay = '1s', restart-delay-max = '1s' }\n");
    world.ask("a");
    for (int i = 0; i < 100'000; ++i) {
        world.exit("a", 1);
        world.pass("2s");
        world.changes();
    }
    CHECK(world.record("a").restarts == 100'000);
    CHECK(world.phase("a") == "up");
}
