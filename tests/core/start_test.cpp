// The ways up: each type of service, the commands around the main one, timeouts, conditions, the bound on parallel starts.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

TEST_CASE("a simple service is up once its program runs") {
    World world("[units.a]\nservice.command = '/a'\n");
    world.ask("a");
    CHECK(world.phase("a") == "up");
    CHECK(world.record("a").main_pid > 0);
    CHECK(world.changes() == "a:waiting a:starting a:up");
}

TEST_CASE("a oneshot is done once it ended well, and stays done") {
    World world("[units.a]\nservice = { type = 'oneshot', command = '/a' }\n[units.b]\nrequires = ['a']\n");
    world.ask("b");
    CHECK(world.phase("a") == "starting");
    CHECK(world.running() == "a");
    world.exit("a", 0);
    CHECK(world.phase("a") == "done");
    CHECK(world.running() == "b");
    world.wish("a");
    CHECK(world.spawned() == "a b");
    world.pass("1h");
    CHECK(world.phase("a") == "done");
}

TEST_CASE("a oneshot that is done runs again when it is started, and what requires it goes on") {
    World world("[units.a]\nservice = { type = 'oneshot', command = '/a', stop-command = '/s' }\n"
                "[units.b]\nrequires = ['a']\n[units.other]\nconflicts = ['a']\n[units.late]\nwants = ['a']\n"
                "[units.next]\nrequires = ['a']\n");
    world.ask("b");
    world.exit("a", 0);
    world.ready("b");
    world.spawned();
    world.ask("a");
    CHECK(world.spawned() == "a/stop-command");
    world.hook_exit("a");
    CHECK(world.spawned() == "a");
    CHECK(world.phase("a") == "starting");
    CHECK(world.phase("b") == "up");
    SUBCASE("it ends well") {
        world.ask("late");
        world.ask("next");
        CHECK(world.phase("late") == "waiting");
        CHECK(world.phase("next") == "waiting");
        world.exit("a", 0);
        CHECK(world.phase("a") == "done");
        CHECK(world.phase("late") == "starting");
        CHECK(world.phase("next") == "starting");
        world.stop("late");
        world.stop("next");
        world.die("late", 15);
        world.die("next", 15);
        world.signals();
        CHECK(world.signals() == "");
        world.stop("a"); // it is done as it was before: what requires it goes first
        CHECK(world.phase("a") == "done");
        CHECK(world.phase("b") == "stopping");
    }
    SUBCASE("it fails, and what requires it with it") {
        world.exit("a", 1);
        CHECK(world.phase("a") == "failed");
        CHECK(world.phase("b") == "stopping");
        world.die("b", 15);
        CHECK(world.phase("b") == "failed");
    }
    SUBCASE("it is stopped before it has ended") {
        world.stop("a");
        CHECK(world.phase("b") == "stopping");
        CHECK(world.phase("a") == "starting"); // what requires it goes first
        world.die("b", 15);
        CHECK(world.phase("a") == "stopping");
        world.die("a", 15);
        CHECK(world.why("a") == "a is down: stopped by hand.");
        CHECK(world.record("a").next == Next::as_wanted);
    }
    SUBCASE("all is shut down before it has ended") {
        world.obedient();
        world.shut_down();
        CHECK(world.halted());
    }
}

TEST_CASE("a oneshot that is to run again, and is not wanted any more, stays down") {
    World world("[units.a]\nservice = { type = 'oneshot', command = '/a', stop-command = '/s' }\n"
                "[units.b]\nconflicts = ['a']\n[units.c]\nrequires = ['a']\n");
    world.ask("a");
    world.exit("a", 0);
    world.ask("a");
    world.ask("a"); // twice is once
    REQUIRE(world.phase("a") == "stopping");
    SUBCASE("by hand") {
        world.stop("a");
        world.hook_exit("a");
        CHECK(world.why("a") == "a is down: stopped by hand.");
        world.spawned();
        world.ask("c"); // it is not done any more
        CHECK(world.spawned() == "a");
        CHECK(world.phase("c") == "waiting");
    }
    SUBCASE("by a conflict") {
        world.ask("b");
        world.hook_exit("a");
        CHECK(world.why("a").starts_with("a is down: it conflicts with b."));
    }
}

TEST_CASE("a oneshot with a timer that is done with a run runs again when it is started") {
    World world("[units.a]\nservice = { type = 'oneshot', command = '/a' }\ntimer.every = '1h'\n");
    world.ask("a");
    world.exit("a", 0);
    world.ask("a");
    CHECK(world.spawned() == "a a");
}

TEST_CASE("a restart that is asked for while conditions are looked at ends with the unit left out") {
    World world("[units.a]\nservice.command = '/a'\ncondition.path-exists = '/x'\n[units.b]\nrequires = ['a']\n");
    Engine& engine = world.engine();
    const UnitId a = world.id("a");
    world.ask("b");
    world.ready("b");
    world.exit("a", 1); // so b has to stop, and takes its time
    REQUIRE(world.phase("b") == "stopping");
    (void)engine.step({.kind = Event::Kind::due}, engine.next_deadline());
    REQUIRE(world.record("a").stage == Stage::conditions);
    world.restart("a"); // is held back by b
    REQUIRE(world.record("a").next == Next::restart);
    (void)engine.step({.kind = Event::Kind::condition_unmet, .unit = a, .detail = "path-exists = /x"}, world.now());
    CHECK(world.phase("a") == "skipped");
    CHECK(world.record("a").next == Next::as_wanted);
}

TEST_CASE("a oneshot that fails is failed and not tried again by itself") {
    World world("[units.a]\nservice = { type = 'oneshot', command = '/a' }\n");
    world.ask("a");
    world.exit("a", 3);
    CHECK(world.phase("a") == "failed");
    world.pass("1h");
    CHECK(world.spawned() == "a");
    world.ask("a");
    CHECK(world.spawned() == "a");
    world.exit("a", 0);
    CHECK(world.phase("a") == "done");
}

TEST_CASE("a oneshot that is done runs again when it is restarted") {
    World world("[units.a]\nservice = { type = 'oneshot', command = '/a', post-stop = ['/p'] }\n");
    world.ask("a");
    world.exit("a", 0);
    world.spawned();
    world.restart("a");
    CHECK(world.spawned() == "a/post-stop");
    world.hook_exit("a");
    CHECK(world.spawned() == "a");
    world.exit("a", 0);
    CHECK(world.phase("a") == "done");
}

TEST_CASE("a forking service is up when its parent is gone and its PID file names a process") {
    World world("[units.a]\nservice = { type = 'forking', command = '/a' }\nprocess.pid-file = '/run/a.pid'\n");
    world.ask("a");
    CHECK(world.phase("a") == "starting");
    world.exit("a", 0);
    CHECK(world.phase("a") == "starting");
    CHECK(world.record("a").stage == Stage::pid_file);
    world.pid_file("a");
    CHECK(world.phase("a") == "up");
    CHECK(world.running() == "a");
    CHECK(world.record("a").last_exit == ExitStatus{}); // that of its parent is none of the service
    world.exit("a", 1);
    CHECK(world.phase("a") == "backoff");
    world.pass("1s");
    world.exit("a", 0);
    world.pid_file("a");
    CHECK(world.phase("a") == "up");
    CHECK(world.record("a").last_exit == ExitStatus::code(1));
}

TEST_CASE("a forking service whose parent fails, or whose PID file never comes, fails to start") {
    World world("[units.a]\nservice = { type = 'forking', command = '/a', restart = 'no', start-timeout = '5s' }\n"
                "process.pid-file = '/run/a.pid'\n");
    world.ask("a");
    SUBCASE("parent") {
        world.exit("a", 1);
        CHECK(world.phase("a") == "failed");
        CHECK(world.why("a") == "a is failed: it ended with exit code 1.");
    }
    SUBCASE("file") {
        world.exit("a", 0);
        world.leave_behind("a");
        world.pass("5s");
        CHECK(world.phase("a") == "stopping");
        CHECK(world.signals() == "a:TERM~");
        world.leftovers_end("a");
        CHECK(world.phase("a") == "failed");
        CHECK(world.why("a") ==
              "a is failed: it was not ready within its start-timeout: its PID file did not name a live "
              "process of it in time.");
    }
}

TEST_CASE("what is held against a PID file is told while it is awaited, and when it never came right") {
    World world("[units.a]\nservice = { type = 'forking', command = '/a', restart = 'no', start-timeout = '5s' }\n"
                "process.pid-file = '/run/a.pid'\n");
    world.ask("a");
    world.doubt("a", "too early");
    world.exit("a", 0);
    world.doubt("a", "/run/a.pid names process 1");
    CHECK(world.why("a") == "a is starting: /run/a.pid names process 1.");
    SUBCASE("it comes right") {
        world.pid_file("a");
        CHECK(world.why("a") == "a is up: it was asked for.");
        world.doubt("a", "too late");
        CHECK(world.why("a") == "a is up: it was asked for.");
    }
    SUBCASE("it does not") {
        world.pass("5s");
        CHECK(world.why("a") ==
              "a is failed: it was not ready within its start-timeout: its PID file did not name a live "
              "process of it in time: /run/a.pid names process 1.");
    }
}

TEST_CASE("services that notify are up when they say so, by message or by descriptor") {
    World world("[units.a]\nservice = { type = 'notify', command = '/a' }\n"
                "[units.b]\nservice = { type = 'notify-fd', command = '/b' }\n");
    for (const char* unit : {"a", "b"}) {
        world.ask(unit);
        CHECK(world.phase(unit) == "starting");
        world.ready(unit);
        CHECK(world.phase(unit) == "up");
    }
}

TEST_CASE("readiness means nothing of a type that does not use it") {
    World world("[units.a]\nservice = { type = 'oneshot', command = '/a' }\n"
                "[units.b]\nservice = { type = 'forking', command = '/b' }\nprocess.pid-file = '/run/b'\n");
    for (const char* unit : {"a", "b"}) {
        world.ask(unit);
        world.says(unit, Event::Kind::ready);
        CHECK(world.phase(unit) == "starting");
    }
}

TEST_CASE("a notifying service that ends well before it is ready has failed to start") {
    World world("[units.a]\nservice = { type = 'notify', command = '/a', restart = 'no' }\n");
    world.ask("a");
    world.exit("a", 0);
    CHECK(world.why("a") == "a is failed: it ended before it said that it is ready.");
}

TEST_CASE("the commands before and after the main one run in order, one at a time") {
    World world("[units.a]\nservice = { type = 'notify', command = '/a', pre-start = ['/p', '/q'], post-start = ['/r', "
                "'/s'] }\n"
                "[units.b]\nrequires = ['a']\n");
    world.ask("b");
    CHECK(world.spawned() == "a/pre-start");
    world.hook_exit("a");
    CHECK(world.spawned() == "a/pre-start");
    world.hook_exit("a");
    CHECK(world.spawned() == "a");
    world.ready("a");
    CHECK(world.spawned() == "a/post-start");
    world.hook_exit("a");
    CHECK(world.spawned() == "a/post-start");
    CHECK(world.phase("a") == "starting");
    world.hook_exit("a");
    CHECK(world.phase("a") == "up");
    CHECK(world.spawned() == "b");
}

TEST_CASE("a pre-start command that fails keeps the main one from running") {
    World world("[units.a]\nservice = { command = '/a', pre-start = ['/p', '/q', '/r'], restart = 'no', post-stop = "
                "['/z'] }\n");
    world.ask("a");
    world.hook_exit("a");
    world.hook_exit("a", 4);
    CHECK(world.spawned() == "a/pre-start a/pre-start a/post-stop");
    world.hook_exit("a");
    CHECK(world.why("a") == "a is failed: pre-start failed: pre-start command 2 ended with exit code 4.");
}

TEST_CASE("a post-start command that fails takes the main one down") {
    World world("[units.a]\nservice = { command = '/a', post-start = ['/p'], restart = 'no' }\n");
    world.ask("a");
    world.hook_exit("a", 1);
    CHECK(world.signals() == "a:TERM+");
    CHECK(world.phase("a") == "stopping");
    world.die("a", 15);
    CHECK(world.why("a") == "a is failed: post-start failed: post-start command 1 ended with exit code 1.");
}

TEST_CASE("a main process that fails while post-start runs fails the start") {
    World world("[units.a]\nservice = { command = '/a', post-start = ['/p'], restart = 'no' }\n");
    world.ask("a");
    world.exit("a", 1);
    CHECK(world.signals() == "a:TERM+");
    world.hook_exit("a", 0);
    CHECK(world.why("a") == "a is failed: it ended with exit code 1.");
}

TEST_CASE("a main process that ends well while post-start runs has not failed") {
    World world("[units.a]\nservice = { command = '/a', post-start = ['/p'] }\n");
    world.ask("a");
    world.exit("a", 0);
    world.obedient();
    if (world.record("a").hook_pid > 0)
        world.hook_exit("a", 0);
    world.pass("1min");
    CHECK(world.phase("a") == "down");
    CHECK(world.record("a").restarts == 0);
}

TEST_CASE("a program that cannot be run fails with the step that failed") {
    World world("[units.a]\nservice = { command = '/a', restart = 'no' }\n[units.b]\nrequires = ['a']\n");
    world.refuse("a", "setgroups: Operation not permitted (user \"www\")");
    world.ask("b");
    CHECK(world.phase("a") == "failed");
    CHECK(world.why("b") == "b is failed: dependency failed: a. a is failed: cannot start: setgroups: Operation not "
                            "permitted (user \"www\").");
}

TEST_CASE("a start past its timeout is ended and failed") {
    World world("[units.a]\nservice = { type = 'notify', command = '/a', restart = 'no', start-timeout = '10s' }\n");
    world.ask("a");
    world.pass("9999ms");
    CHECK(world.phase("a") == "starting");
    world.pass("1ms");
    CHECK(world.signals() == "a:TERM+");
    world.pass("10s");
    CHECK(world.signals() == "a:KILL+");
    CHECK(world.why("a") ==
          "a is failed: it was not ready within its start-timeout: it did not end in time and was killed.");
}

TEST_CASE("the start timeout is for the whole start, commands before and after included") {
    World world("[units.a]\nservice = { command = '/a', restart = 'no', start-timeout = '10s', pre-start = ['/p'], "
                "post-start = ['/q'] }\n");
    world.obedient();
    world.ask("a");
    world.pass("6s");
    world.hook_exit("a");
    CHECK(world.running() == "a");
    world.pass("5s");
    CHECK(world.phase("a") == "failed");
    CHECK(world.running().empty());
}

TEST_CASE("by default a start takes 90 seconds at most, with \"0\" as long as it likes") {
    World world("[units.a]\n[units.b]\nservice = { type = 'notify', command = '/b', start-timeout = '0' }\n");
    world.ask("a");
    world.ask("b");
    world.pass("89s");
    CHECK(world.phase("a") == "starting");
    world.pass("2s");
    CHECK(world.phase("a") == "stopping");
    world.pass("24h");
    CHECK(world.phase("b") == "starting");
}

TEST_CASE("a service may ask for more time, never for less") {
    World world("[units.a]\nservice = { type = 'notify', command = '/a', start-timeout = '10s' }\n");
    world.ask("a");
    world.pass("8s");
    world.says("a", Event::Kind::extend, std::chrono::seconds(20));
    world.says("a", Event::Kind::extend, std::chrono::seconds(1));
    world.pass("19s");
    CHECK(world.phase("a") == "starting");
    world.pass("1s");
    CHECK(world.phase("a") == "stopping");
}

TEST_CASE("a stop while a unit starts ends it where it is") {
    World world(
        "[units.a]\nservice = { type = 'notify', command = '/a', pre-start = ['/p'], stop-command = ['/s'] }\n");
    world.ask("a");
    SUBCASE("before the main process") {
        world.stop("a");
        CHECK(world.signals() == "a:TERM+");
        world.hook_exit("a", 1);
    }
    SUBCASE("before it is ready") {
        world.hook_exit("a");
        world.stop("a");
        CHECK(world.signals() == "a:TERM+");
        world.die("a", 15);
        CHECK(world.spawned() == "a/pre-start a"); // there is nothing a stop command could talk to
    }
    CHECK(world.phase("a") == "down");
    CHECK(world.running().empty());
    CHECK(world.engine().next_deadline() == never);
}

TEST_CASE("a start that has lost its reason does not go on while those that go first keep it from being stopped") {
    World world("[units.root]\nservice = { command = '/r', restart = 'no' }\n"
                "[units.a]\nrequires = ['root']\nservice = { command = '/a', pre-start = ['/p', '/q'] }\n"
                "[units.w]\nwants = ['a']\n");
    world.ask("w");
    world.hook_exit("a");
    world.hook_exit("a");
    world.ready("w");
    world.exit("a", 1);
    world.pass("200ms");
    CHECK(world.spawned() == "root a/pre-start a/pre-start a w a/pre-start"); // tried again, and w is still up
    world.stop("w");
    world.exit("root", 1); // w comes after a, so it goes first, slowly; a has lost what it requires
    world.hook_exit("a");
    CHECK(world.spawned().empty());
    world.die("w", 15);
    CHECK(world.phase("a") == "down");
    CHECK(world.running().empty());
}

TEST_CASE("a unit whose conditions are not met is skipped, which satisfies its dependents") {
    World world("[units.a]\nservice.command = '/a'\ncondition.path-exists = '/x'\n[units.b]\nrequires = ['a']\n");
    world.unmet("a", "path-exists = /x");
    world.ask("b");
    CHECK(world.phase("a") == "skipped");
    CHECK(world.running() == "b");
    CHECK(world.why("a") == "a is skipped: condition not met: path-exists = /x.");
    world.met("a");
    world.ask("a");
    CHECK(world.phase("a") == "up");
}

TEST_CASE("conditions are looked at when the unit starts, not before its requirements are up") {
    World world(
        "[units.mount]\n[units.a]\nrequires = ['mount']\nservice.command = '/a'\ncondition.path-exists = '/x'\n");
    world.unmet("a", "path-exists = /x");
    world.ask("a");
    world.met("a");
    world.ready("mount");
    CHECK(world.phase("a") == "up");
}

TEST_CASE("what a skipped unit needs is not kept for it") {
    World world(
        "[units.mount]\n[units.a]\nrequires = ['mount']\nservice.command = '/a'\ncondition.path-exists = '/x'\n");
    world.obedient();
    world.unmet("a", "path-exists = /x");
    world.ask("a");
    world.ready("mount");
    CHECK(world.phase("a") == "skipped");
    CHECK(world.phase("mount") == "down");
}

TEST_CASE("a unit whose conditions cannot be looked at has failed to start, and is tried again") {
    World world("[units.a]\nservice.command = '/a'\nservice.restart-delay = '1s'\ncondition.path-exists = '/x'\n"
                "[units.b]\nrequires = ['a']\n[units.c]\nwants = ['a']\n");
    world.unknown("a", "cannot look: /x did not answer");
    world.ask("b");
    world.ask("c");
    CHECK(world.phase("a") == "backoff");
    CHECK(world.why("a").find("cannot look: /x did not answer") != std::string::npos);
    CHECK(world.phase("b") == "waiting"); // unlike one that is skipped it does not satisfy those that require it
    world.met("a");
    world.pass("2s");
    CHECK(world.phase("a") == "up");
    CHECK(world.phase("b") == "starting");
    CHECK(world.phase("c") == "starting");
}

TEST_CASE("of a unit whose conditions cannot be looked at nothing is run, also not afterwards") {
    World world("[units.a]\nservice.command = '/a'\nservice.restart = 'no'\nservice.post-stop = ['/z']\n"
                "condition.path-exists = '/x'\n[units.b]\nrequires = ['a']\n");
    world.unknown("a", "cannot look: /x did not answer");
    world.ask("b");
    CHECK(world.phase("a") == "failed");
    CHECK(world.phase("b") == "failed");
    CHECK(world.spawned().empty());
}

TEST_CASE("a target whose conditions cannot be looked at is tried again, too") {
    World world("[units.t]\ntarget = {}\ncondition.path-exists = '/x'\n");
    world.unknown("t", "cannot look: /x did not answer");
    world.ask("t");
    CHECK(world.phase("t") == "backoff");
    world.met("t");
    world.pass("2s");
    CHECK(world.phase("t") == "up");
}

TEST_CASE("a target can have conditions too") {
    World world("[units.t]\ntarget = {}\ncondition.container = true\nwants = ['a']\n[units.a]\n");
    world.obedient();
    world.unmet("t", "container = true");
    world.ask("t");
    world.ready("a");
    CHECK(world.phase("t") == "skipped");
    CHECK(world.phase("a") == "down");
}

TEST_CASE("no more units start at once than allowed, and each that is through lets another begin") {
    std::string text = "[units.all]\ntarget = {}\nwants = [";
    for (int i = 0; i < 10; ++i)
        text += "'u" + std::to_string(i) + "',";
    text += "]\n";
    for (int i = 0; i < 10; ++i)
        text += "[units.u" + std::to_string(i) + "]\n";
    World world(text, {.parallel_starts = 3});
    world.ask("all");
    std::set<std::string> started;
    for (int left = 10; left > 0; --left) {
        std::string running = world.running(), starting;
        std::size_t number = 0;
        for (std::string_view unit : split(running, ' '))
            if (world.phase(std::string(unit)) == "starting") {
                starting = unit;
                ++number;
            }
        CHECK(number == static_cast<std::size_t>(std::min(left, 3)));
        if (left % 2 == 0) {
            world.ready(starting);
        } else { // one that fails makes room as well
            world.stop(starting);
            world.die(starting, 15);
        }
    }
    CHECK(world.phase("all") == "up");
}

TEST_CASE("a unit that waits for its turn and is not wanted any more gives it up") {
    World world("[units.a]\n[units.b]\n[units.c]\n", {.parallel_starts = 1});
    world.ask("a");
    world.ask("b");
    world.ask("c");
    CHECK(world.phase("b") == "waiting");
    world.stop("b");
    CHECK(world.phase("b") == "down");
    world.ready("a");
    CHECK(world.running() == "a c");
}

TEST_CASE("reload sends the signal, or runs the command and is reloading meanwhile") {
    World world("[units.a]\nservice = { command = '/a', reload-signal = 'SIGUSR1' }\n"
                "[units.b]\nservice = { command = '/b', reload-command = '/r', start-timeout = '5s' }\n"
                "[units.c]\nrequires = ['b']\n");
    world.ask("a");
    world.ask("c");
    world.ready("c");
    world.reload("a");
    CHECK(world.signals() == "a:USR1");
    CHECK(world.phase("a") == "up");
    world.spawned();
    world.reload("b");
    CHECK(world.spawned() == "b/reload-command");
    CHECK(world.phase("b") == "reloading");
    CHECK(world.phase("c") == "up");
    SUBCASE("well") { world.hook_exit("b"); }
    SUBCASE("badly") {
        world.hook_exit("b", 2);
        CHECK(world.record("b").detail == "reload-command command 1 ended with exit code 2");
    }
    SUBCASE("not in time") {
        world.pass("5s");
        CHECK(world.signals() == "b:KILL");
        CHECK(world.record("b").detail == "the reload did not end in time");
    }
    CHECK(world.phase("b") == "up");
    CHECK(world.phase("c") == "up");
    CHECK(world.running() == "a b c");
}

TEST_CASE("a service that reloads says so itself, and is up again when it is ready") {
    World world("[units.a]\n");
    world.ask("a");
    world.ready("a");
    world.says("a", Event::Kind::reloading);
    CHECK(world.phase("a") == "reloading");
    world.ready("a");
    CHECK(world.phase("a") == "up");
    CHECK(world.engine().next_deadline() == never);
}

TEST_CASE("reload is for what is up only") {
    World world("[units.a]\nservice = { type = 'notify', command = '/a', reload-command = '/r' }\n");
    world.reload("a");
    world.ask("a");
    world.spawned();
    world.reload("a");
    CHECK(world.spawned().empty());
}
