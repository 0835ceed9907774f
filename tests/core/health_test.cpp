// [health]: when a unit is probed, and what follows from what its probes say.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

namespace {

// A service that is probed each 10 s, and once it is ready each second; another that requires it.
const std::string two = R"(
[units.db]
[units.db.health]
command = ["/bin/probe"]
interval = "10s"
timeout = "3s"
start-interval = "1s"
failures = 3
[units.web]
requires = ["db"]
)";

std::string changed(std::string text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
    return text;
}

// Both are up.
World healthy(const std::string& toml = two) {
    World world(toml);
    world.ask("web");
    world.ready("db");
    world.pass("0s");
    world.probe_exit("db");
    world.ready("web");
    CHECK(world.running() == "db web");
    world.spawned();
    world.changes();
    world.signals();
    return world;
}

void fail_probes(World& world, int count) {
    for (int i = 0; i < count; ++i) {
        world.pass("10s");
        world.probe_exit("db", 1);
    }
}

std::string health(const World& world, const std::string& unit) { return std::string(name(world.record(unit).health)); }

} // namespace

TEST_CASE("a unit is starting until its first good probe, and what requires it waits so long") {
    World world(two);
    world.ask("web");
    CHECK(health(world, "db") == "starting");
    world.pass("20s");
    CHECK(world.spawned() == "db"); // not before it says that it is ready
    world.ready("db");
    world.pass("0s");
    CHECK(world.spawned() == "db/health probe");
    world.probe_exit("db", 1);
    CHECK(world.phase("db") == "starting");
    CHECK(world.why("db") == "db is starting: its health probe (command /bin/probe) has failed once: exit code 1.");
    world.pass("1s");
    CHECK(world.spawned() == "db/health probe");
    CHECK(world.phase("web") == "waiting");
    world.probe_exit("db");
    CHECK(world.phase("db") == "up");
    CHECK(health(world, "db") == "healthy");
    CHECK(world.spawned() == "web");
    CHECK(world.record("db").detail.empty());
}

TEST_CASE("probes of a unit that starts fail as often as they like, within its start-timeout") {
    World world(changed(two, "[units.db]\n",
                        "[units.db]\nservice = { command = '/bin/db', start-timeout = '30s', restart = 'no' }\n"));
    world.obedient();
    world.ask("web");
    for (int i = 0; i < 20; ++i) {
        world.pass("1s");
        world.probe_exit("db", 1);
    }
    CHECK(world.phase("db") == "starting");
    world.linger("db"); // the next probe hangs, and is waited for
    world.pass("5s");
    world.probe_said("db", "connection refused");
    world.pass("30s");
    CHECK(world.why("db").find("it was not ready within its start-timeout: its health probe (command /bin/probe) has "
                               "failed") != std::string::npos);
    CHECK(world.why("db").find("connection refused") != std::string::npos);
    CHECK(world.phase("web") == "failed");
}

TEST_CASE("the first probe of a service that does not say when it is ready comes after a moment, as nothing is there "
          "before") {
    World world(changed(two, "[units.db]\n", "[units.db]\nservice = { command = '/bin/db' }\n"));
    world.ask("db");
    world.pass("0s");
    CHECK(world.spawned() == "db");
    world.pass("100ms");
    CHECK(world.spawned() == "db/health probe");
}

TEST_CASE("post-start runs when the unit is healthy") {
    World world(
        changed(two, "[units.db]\n",
                "[units.db]\nservice = { type = 'notify', command = '/bin/db', post-start = ['/bin/post'] }\n"));
    world.ask("db");
    world.ready("db");
    world.pass("0s");
    CHECK(world.spawned() == "db db/health probe");
    world.probe_exit("db");
    CHECK(world.spawned() == "db/post-start");
    world.pass("60s");
    CHECK(world.spawned().empty()); // nothing is probed meanwhile
    world.hook_exit("db");
    CHECK(world.phase("db") == "up");
}

TEST_CASE("a start probe that goes on after readiness is no second one: the interval counts from its end") {
    World world = healthy();
    world.pass("9s");
    CHECK(world.spawned().empty());
    world.pass("1s");
    CHECK(world.spawned() == "db/health probe");
    world.pass("2s");
    world.probe_exit("db");
    world.pass("9s");
    CHECK(world.spawned().empty());
    world.pass("1s");
    CHECK(world.spawned() == "db/health probe");
}

TEST_CASE("a flapping probe drops no dependents") {
    World world = healthy();
    for (int i = 0; i < 20; ++i) {
        fail_probes(world, 2);
        CHECK(health(world, "db") == "healthy");
        world.pass("10s");
        world.probe_exit("db");
    }
    CHECK(world.changes().empty());
    CHECK(world.running() == "db web");
}

TEST_CASE("a probe that fails for good after one success is a failure of the unit, with backoff and limit") {
    World world =
        healthy(changed(two, "[units.db]\n",
                        "[units.db]\non-failure = ['alarm']\nservice = { type = 'notify', command = '/bin/db', "
                        "restart-limit = 1, restart-delay = '1s' }\n") +
                "[units.alarm]\n");
    world.obedient();
    fail_probes(world, 3);
    CHECK(world.phase("db") == "backoff");
    CHECK(
        world.why("db").starts_with("db is backoff: it was unhealthy: its health probe (command /bin/probe) has failed "
                                    "3 times in a row: exit code 1"));
    CHECK(health(world, "db") == "none");
    CHECK(world.running().empty());
    CHECK(world.record("db").restarts == 1);
    world.pass("2s");
    world.ready("db");
    world.pass("0s");
    world.probe_exit("db");
    world.ready("web");
    CHECK(world.running() == "db web");
    fail_probes(world, 2);
    CHECK(world.record("db").tries == 1);
    world.pass("10s");
    world.probe_exit("db", 1); // 30 s are no stable run
    CHECK(world.phase("db") == "failed");
    CHECK(world.running() == "alarm");
    CHECK(world.why("db").find("it ended too often in a row, the last time because it was unhealthy") !=
          std::string::npos);
}

TEST_CASE("an unhealthy unit is stopped as others are: by its stop-command and its signal, and SIGKILL after that") {
    World world = healthy(
        changed(two, "[units.db]\n",
                "[units.db]\nservice = { type = 'notify', command = '/bin/db', stop-command = ['/bin/stop'] }\n"));
    fail_probes(world, 2);
    world.pass("10s");
    world.spawned();
    world.probe_exit("db", 1);
    CHECK(world.spawned() == "db/stop-command");
    world.pass("20s");
    CHECK(world.signals().find("db:KILL") != std::string::npos);
    CHECK(world.phase("db") != "stopping");
}

TEST_CASE("action: none shows it only, stop leaves it failed, reboot and shutdown end the machine") {
    auto with = [](const std::string& action) {
        World world = healthy(changed(two, "failures = 3", "failures = 3\naction = '" + action + "'\nsuccesses = 2"));
        world.obedient();
        fail_probes(world, 3);
        return world;
    };
    World none = with("none");
    CHECK(health(none, "db") == "unhealthy");
    CHECK(none.running() == "db web");
    CHECK(none.changes() == "db:unhealthy");
    CHECK(none.why("db") == "db is up: it is unhealthy: its health probe (command /bin/probe) has failed 3 times in a "
                            "row: exit code 1.");
    none.pass("10s");
    none.probe_exit("db");
    CHECK(health(none, "db") == "unhealthy"); // `successes` is 2
    none.pass("10s");
    none.probe_exit("db");
    CHECK(health(none, "db") == "healthy");
    World stop = with("stop");
    CHECK(stop.phase("db") == "failed");
    CHECK(stop.phase("web") == "failed");
    stop.pass("1h");
    CHECK(stop.running().empty());
    CHECK(with("reboot").concluded() == "db:reboot");
    CHECK(with("shutdown").concluded() == "db:exit");
}

TEST_CASE("exit-action counts when a unit is unhealthy for good") {
    World world = healthy(changed(two, "[units.db]\n",
                                  "[units.db]\nservice = { type = 'notify', command = '/bin/db', restart = 'no', "
                                  "exit-action = 'shutdown' }\n"));
    world.obedient();
    fail_probes(world, 3);
    CHECK(world.phase("db") == "failed");
    CHECK(world.concluded() == "db:exit");
    CHECK(world.exit_code() == 1);
}

TEST_CASE("a restart that is asked for while a unit waits for the health of another is no second start") {
    World world(two);
    world.obedient();
    world.ask("web");
    world.ready("db");
    world.pass("0s");
    world.restart("web");
    CHECK(world.phase("web") == "waiting");
    CHECK(world.spawned() == "db db/health probe");
    world.restart("db"); // in the middle of a probe
    CHECK(world.signals().starts_with("db:probe"));
    CHECK(world.spawned() == "db");
    world.ready("db");
    world.pass("0s");
    CHECK(world.spawned() == "db/health probe");
    world.probe_exit("db");
    CHECK(world.spawned() == "web");
}

TEST_CASE("a probe that hangs is ended with all it has forked, counts as failed, and is waited for before the next") {
    World world = healthy();
    world.linger("db");
    world.pass("10s");
    CHECK(world.spawned() == "db/health probe");
    world.pass("3s");
    CHECK(world.signals() == "db:probe");
    CHECK(world.record("db").probe_failures == 1);
    CHECK(world.record("db").detail == "it did not end within its timeout");
    world.pass("60s");
    CHECK(world.spawned().empty()); // it has not gone
    world.probe_exit("db", 0);
    CHECK(world.record("db").probe_failures == 1); // its word is not heard any more
    world.pass("0s");
    CHECK(world.spawned() == "db/health probe");
}

TEST_CASE("what reloads, is frozen or stops is not probed, and a probe that runs then is ended unheard") {
    World world = healthy();
    fail_probes(world, 2);
    world.spawned();
    SUBCASE("reload") {
        world.pass("10s");
        world.says("db", Event::Kind::reloading);
        CHECK(world.signals() == "db:probe");
        CHECK(world.record("db").probe_failures == 2);
        world.spawned();
        world.pass("60s");
        CHECK(world.spawned().empty());
        world.ready("db");
        world.pass("9s");
        CHECK(world.spawned().empty());
        world.pass("1s");
        CHECK(world.spawned() == "db/health probe");
        CHECK(health(world, "db") == "healthy");
    }
    SUBCASE("freeze") {
        world.pass("10s");
        world.says("db", Event::Kind::freeze);
        CHECK(world.signals() == "db:probe");
        world.spawned();
        world.pass("1h");
        CHECK(world.spawned().empty());
        world.says("db", Event::Kind::thaw);
        world.pass("10s");
        CHECK(world.spawned() == "db/health probe");
        CHECK(world.record("db").probe_failures == 2);
    }
    SUBCASE("stop") {
        world.pass("10s");
        world.stop("db");
        world.exit("web");
        CHECK(world.signals().find("db:probe") != std::string::npos);
        world.spawned();
        world.exit("db");
        CHECK(world.phase("db") == "down");
        CHECK(health(world, "db") == "none");
        world.pass("1h");
        CHECK(world.spawned().empty());
    }
    SUBCASE("shutdown") {
        world.shut_down();
        world.pass("5s");
        CHECK(world.spawned().empty());
    }
}

TEST_CASE("failures reached in the same turn as the exit are one failure") {
    World world = healthy();
    world.obedient("web");
    fail_probes(world, 2);
    world.pass("10s");
    Engine& engine = world.engine();
    const UnitId db = world.id("db");
    const Event probe{.kind = Event::Kind::exited,
                      .unit = db,
                      .role = Role::probe,
                      .pid = world.record("db").probe_pid,
                      .exit = ExitStatus::code(1)};
    const Event exit{.kind = Event::Kind::exited,
                     .unit = db,
                     .role = Role::main,
                     .pid = world.record("db").main_pid,
                     .exit = ExitStatus::code(2)};
    SUBCASE("the probe first") {
        engine.apply(probe, world.now());
        engine.apply(exit, world.now());
        CHECK(world.record("db").reason == Reason::unhealthy);
    }
    SUBCASE("the exit first") {
        engine.apply(exit, world.now());
        engine.apply(probe, world.now());
        CHECK(world.record("db").reason == Reason::exited);
    }
    engine.settle(world.now());
    engine.apply({.kind = Event::Kind::emptied, .unit = db}, world.now());
    engine.settle(world.now());
    CHECK(world.phase("db") == "backoff");
    CHECK(world.record("db").restarts == 1);
    CHECK(world.record("db").tries == 1);
}

TEST_CASE("two units that wait for each other's health are a cycle, which is told") {
    World world(R"(
[units.a]
requires = ["b"]
health = { tcp = "127.0.0.1:1" }
[units.b]
requires = ["a"]
health = { tcp = "127.0.0.1:2" }
)");
    world.ask("a");
    CHECK(world.phase("a") == "invalid");
    CHECK(world.phase("b") == "invalid");
    World wish(R"(
[units.a]
wants = ["b"]
health = { tcp = "127.0.0.1:1" }
[units.b]
requires = ["a"]
health = { tcp = "127.0.0.1:2" }
)");
    wish.ask("b");
    wish.ready("a");
    wish.pass("0s");
    wish.probe_exit("a");
    wish.ready("b");
    wish.pass("0s");
    wish.probe_exit("b");
    CHECK(wish.phase("a") == "up");
    CHECK(wish.phase("b") == "up");
}

TEST_CASE(
    "a probe that cannot run makes the unit unhealthy and says why; that the system lacks something now does not") {
    World world(two);
    world.refuse_for_good("db/probe", "exec \"/bin/probe\": No such file or directory");
    world.ask("db");
    world.ready("db");
    world.pass("0s");
    CHECK(world.phase("db") == "starting");
    CHECK(health(world, "db") == "unhealthy");
    CHECK(world.why("db") ==
          "db is starting: it is unhealthy: its health probe (command /bin/probe) has failed once: it "
          "cannot run: exec \"/bin/probe\": No such file or directory.");
    world.permit("db/probe");
    world.pass("1s");
    world.probe_exit("db");
    CHECK(world.phase("db") == "up");
    CHECK(health(world, "db") == "healthy");
    world.refuse("db/probe", "clone: Resource temporarily unavailable");
    world.pass("10min");
    CHECK(world.record("db").probe_failures == 0);
    CHECK(health(world, "db") == "healthy");
}

TEST_CASE("a service that becomes ready by a line of its output is up when that has come, however early") {
    const std::string toml = "[units.db]\nservice = { command = '/bin/db', start-timeout = '60s' }\n"
                             "health = { log-line = 'ready' }\n[units.web]\nrequires = ['db']\n";
    World world(toml);
    world.ask("web");
    CHECK(world.phase("db") == "starting");
    CHECK(world.why("db") == "db is starting: no line of its output has matched yet (log-line ready).");
    world.pass("10s");
    CHECK(world.spawned() == "db"); // nothing is polled
    world.line("db");
    CHECK(world.phase("db") == "up");
    CHECK(world.running() == "db web");
    world.ready("web");
    world.line("db");
    world.pass("1h");
    CHECK(health(world, "db") == "healthy");
    World early(changed(toml, "command", "type = 'notify', command"));
    early.ask("db");
    early.line("db");
    CHECK(early.phase("db") == "starting");
    early.ready("db");
    CHECK(early.phase("db") == "up");
    World late(toml);
    late.obedient();
    late.ask("db");
    late.pass("60s");
    CHECK(late.why("db").find("no line of its output has matched yet (log-line ready)") != std::string::npos);
    CHECK(late.record("db").restarts == 1);
}

TEST_CASE("files that are read again change what is asked, and stop nothing that runs") {
    World world = healthy();
    world.obedient();
    world.pass("10s");
    world.reread(changed(two, "[units.db.health]", "[units.other]\n[units.other.health]"));
    CHECK(world.signals() == "db:probe");
    CHECK(health(world, "db") == "none");
    world.spawned();
    world.pass("1h");
    CHECK(world.spawned().empty());
    world.reread(two);
    CHECK(health(world, "db") == "starting");
    CHECK(world.phase("db") == "up");
    world.pass("1s");
    world.probe_exit("db");
    CHECK(health(world, "db") == "healthy");
    CHECK(world.running() == "db web");
    World waits(two);
    waits.ask("web");
    waits.ready("db");
    waits.reread("[units.db]\n[units.web]\nrequires = ['db']\n");
    CHECK(waits.phase("db") == "up");
    CHECK(waits.running() == "db web");
}

TEST_CASE("counters and the probe that runs outlive the program") {
    World world = healthy();
    fail_probes(world, 2);
    world.pass("10s");
    auto copy = world.copy(units_of(two));
    const Record& record = copy.engine.record(world.id("db"));
    CHECK(record == world.record("db"));
    CHECK(copy.engine.take_effects().empty()); // not a second one
    CHECK(copy.engine.next_deadline() == world.engine().next_deadline());
    auto effects = copy.engine.step({.kind = Event::Kind::exited,
                                     .unit = world.id("db"),
                                     .role = Role::probe,
                                     .pid = record.probe_pid,
                                     .exit = ExitStatus::code(1)},
                                    world.now());
    CHECK(record.reason == Reason::unhealthy);
    CHECK(copy.phase("db") == "stopping");
}

TEST_CASE("what a probe had to say may come after its end") {
    World world = healthy();
    world.probe_said("db", "of nobody");
    CHECK(world.record("db").detail.empty());
    fail_probes(world, 1);
    world.probe_said("db", "connection refused");
    CHECK(world.why("db") == "db is up: its health probe (command /bin/probe) has failed once: connection refused.");
}
