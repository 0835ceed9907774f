// The ways down: the order of commands and signals, kill-mode, timeouts, and what is left behind.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

TEST_CASE("a stop runs the stop commands, sends the signal, sweeps, and runs what comes last") {
    World world("[units.a]\nservice = { command = '/a', stop-command = ['/s', '/t'], post-stop = ['/y', '/z'], "
                "stop-signal = 'SIGINT' }\n");
    world.ask("a");
    world.spawned();
    world.stop("a");
    CHECK(world.spawned() == "a/stop-command");
    world.hook_exit("a");
    CHECK(world.spawned() == "a/stop-command");
    CHECK(world.signals().empty());
    world.hook_exit("a");
    CHECK(world.signals() == "a:INT+");
    CHECK(world.spawned().empty());
    world.die("a", 2);
    CHECK(world.spawned() == "a/post-stop");
    world.hook_exit("a", 1);
    CHECK(world.spawned() == "a/post-stop");
    CHECK(world.phase("a") == "stopping");
    world.hook_exit("a", 1);
    CHECK(world.phase("a") == "down");
    CHECK(world.engine().next_deadline() == never);
}

TEST_CASE("a stop command that ends the service leaves nothing to signal") {
    World world("[units.a]\nservice = { command = '/a', stop-command = ['/s'] }\n");
    world.ask("a");
    world.stop("a");
    world.exit("a", 0);
    CHECK(world.phase("a") == "stopping");
    world.hook_exit("a");
    CHECK(world.signals().empty());
    CHECK(world.phase("a") == "down");
}

TEST_CASE("a stop command that hangs is ended with the service, after the timeout") {
    World world("[units.a]\nservice = { command = '/a', stop-command = ['/s'], stop-timeout = '3s' }\n");
    world.ask("a");
    world.stop("a");
    world.pass("3s");
    CHECK(world.signals() == "a:TERM+");
    world.die("a", 15);
    CHECK(world.signals() == "a:TERM~");
    world.pass("3s");
    CHECK(world.signals() == "a:KILL~");
    CHECK(world.phase("a") == "down");
}

TEST_CASE("who does not end in time is killed") {
    World world("[units.a]\nservice = { command = '/a', stop-timeout = '5s' }\n");
    world.ask("a");
    world.stop("a");
    world.pass("4999ms");
    CHECK(world.signals() == "a:TERM+");
    world.pass("1ms");
    CHECK(world.signals() == "a:KILL+");
    CHECK(world.phase("a") == "down");
    CHECK(world.record("a").last_exit == ExitStatus::signal(9));
}

TEST_CASE("a stopping service may ask for more time") {
    World world("[units.a]\n");
    world.ask("a");
    world.ready("a");
    world.stop("a");
    world.signals();
    world.says("a", Event::Kind::extend, std::chrono::minutes(1));
    world.pass("59s");
    CHECK(world.signals().empty());
    world.pass("1s");
    CHECK(world.signals() == "a:KILL+");
}

TEST_CASE("kill-mode group: what the main process leaves behind is told, given its time, and killed") {
    World world("[units.a]\nservice = { command = '/a', stop-timeout = '5s' }\n");
    world.ask("a");
    world.leave_behind("a");
    world.stop("a");
    world.die("a", 15);
    CHECK(world.signals() == "a:TERM+ a:TERM~");
    CHECK(world.phase("a") == "stopping");
    SUBCASE("goes by itself") { world.leftovers_end("a"); }
    SUBCASE("is killed") {
        world.pass("5s");
        CHECK(world.signals() == "a:KILL~");
    }
    CHECK(world.phase("a") == "down");
}

TEST_CASE("kill-mode mixed: the main process is told, the rest is killed") {
    World world("[units.a]\nservice = { command = '/a', kill-mode = 'mixed' }\n");
    world.ask("a");
    world.leave_behind("a");
    world.stop("a");
    CHECK(world.signals() == "a:TERM");
    world.die("a", 15);
    CHECK(world.signals() == "a:KILL~");
    CHECK(world.phase("a") == "down");
}

TEST_CASE("kill-mode process: only the main process is touched") {
    World world("[units.a]\nservice = { command = '/a', kill-mode = 'process', stop-timeout = '5s' }\n");
    world.ask("a");
    world.leave_behind("a");
    world.stop("a");
    CHECK(world.signals() == "a:TERM");
    SUBCASE("it ends") { world.die("a", 15); }
    SUBCASE("it has to be killed") {
        world.pass("5s");
        CHECK(world.signals() == "a:KILL");
    }
    CHECK(world.phase("a") == "down");
    CHECK(world.signals().empty());
}

TEST_CASE("a service that ends by itself is swept before it is published as ended") {
    World world("[units.a]\nservice = { command = '/a', restart = 'no' }\n");
    world.ask("a");
    world.leave_behind("a");
    world.exit("a", 0);
    CHECK(world.phase("a") == "stopping");
    CHECK(world.signals() == "a:TERM~");
    world.leftovers_end("a");
    CHECK(world.phase("a") == "down");
}

TEST_CASE("what post-stop leaves behind is killed") {
    World world("[units.a]\nservice = { command = '/a', post-stop = ['/p'] }\n");
    world.ask("a");
    world.stop("a");
    world.die("a", 15);
    world.leave_behind("a");
    world.signals();
    world.hook_exit("a");
    CHECK(world.signals() == "a:KILL~");
    CHECK(world.phase("a") == "down");
}

TEST_CASE("post-stop is given its time, too") {
    World world("[units.a]\nservice = { command = '/a', post-stop = ['/p', '/q'], stop-timeout = '5s' }\n");
    world.ask("a");
    world.stop("a");
    world.die("a", 15);
    world.pass("4s");
    world.hook_exit("a");
    world.pass("4s");
    CHECK(world.phase("a") == "stopping");
    world.signals();
    world.pass("1s");
    CHECK(world.signals() == "a:KILL~");
    CHECK(world.phase("a") == "down");
}

TEST_CASE("a stop and a start in one go end where the last word says") {
    World world("[units.a]\nservice = { command = '/a' }\n");
    world.ask("a");
    world.stop("a");
    world.ask("a");
    CHECK(world.phase("a") == "stopping");
    world.die("a", 15);
    CHECK(world.phase("a") == "up");
    world.stop("a");
    world.ask("a");
    world.stop("a");
    world.die("a", 15);
    CHECK(world.phase("a") == "down");
}

TEST_CASE("a start while a service is on its way down by its own end starts it again") {
    World world("[units.a]\nservice = { command = '/a', restart = 'no' }\n");
    world.ask("a");
    world.leave_behind("a");
    int code = 0;
    SUBCASE("it ended well") { code = 0; }
    SUBCASE("it failed") { code = 1; }
    world.exit("a", code);
    CHECK(world.phase("a") == "stopping");
    world.ask("a");
    world.leftovers_end("a");
    CHECK(world.phase("a") == "up");
}

TEST_CASE("a stop while a service is on its way down by its own end leaves it down, and not failed") {
    World world("[units.a]\nservice = { command = '/a', restart = 'always', exit-action = 'shutdown' }\n");
    world.ask("a");
    world.leave_behind("a");
    world.exit("a", 1);
    world.stop("a");
    world.leftovers_end("a");
    CHECK(world.phase("a") == "down");
    CHECK(world.concluded().empty());
}

TEST_CASE("restart stops and starts; of what is down it is a start") {
    World world("[units.a]\n");
    world.restart("a");
    CHECK(world.phase("a") == "starting");
    world.ready("a");
    int first = world.record("a").main_pid;
    world.restart("a");
    CHECK(world.phase("a") == "stopping");
    CHECK(world.record("a").reason == Reason::restarting);
    world.die("a", 15);
    CHECK(world.phase("a") == "starting");
    CHECK(world.record("a").main_pid != first);
    world.ready("a");
    CHECK(world.phase("a") == "up");
}

TEST_CASE("a reload command does not outlive the stop of its service") {
    World world(
        "[units.a]\nservice = { command = '/a', reload-command = '/r', stop-command = ['/s'], stop-timeout = '2s' }\n");
    world.ask("a");
    world.reload("a");
    world.stop("a");
    world.hook_exit("a"); // whichever of the two it was
    world.obedient();
    world.pass("10s");
    CHECK(world.phase("a") == "down");
    CHECK(world.running().empty());
}

TEST_CASE("a reload that hangs and was given up leaves no second command beside the next one") {
    World world("[units.a]\nservice = { command = '/a', reload-command = '/r', start-timeout = '5s' }\n");
    world.ask("a");
    world.linger("a");
    world.reload("a");
    world.pass("5s"); // killed, but its end has not been heard of
    CHECK(world.phase("a") == "up");
    world.reload("a"); // the world allows no second process in a role
    world.hook_exit("a");
    CHECK(world.phase("a") == "up");
}

TEST_CASE("shutdown stops in reverse order of dependency, in parallel, and then it is over") {
    World world("[units.disk]\n[units.db]\nrequires = ['disk']\n[units.web]\nwants = ['db']\n[units.log]\n"
                "[units.all]\ntarget = {}\nwants = ['web', 'log']\n");
    world.ask("all");
    for (const char* unit : {"disk", "db", "web", "log"})
        world.ready(unit);
    world.shut_down();
    CHECK(sorted(world.signals()) == "log:TERM+ web:TERM+");
    world.die("web", 15);
    CHECK(world.signals() == "db:TERM+");
    world.die("db", 15);
    CHECK(world.signals() == "disk:TERM+");
    world.die("disk", 15);
    CHECK_FALSE(world.halted());
    world.die("log", 15);
    CHECK(world.halted());
}

TEST_CASE("shutdown cancels pending restarts and nothing is restarted during it") {
    World world("[units.a]\nservice.command = '/a'\n[units.b]\nservice = { command = '/b', restart = 'always' }\n");
    world.ask("a");
    world.ask("b");
    world.exit("a", 1);
    world.shut_down();
    CHECK(world.phase("a") == "down");
    world.exit("b", 1);
    CHECK(world.halted());
    world.pass("1h");
    CHECK(world.running().empty());
}

TEST_CASE("shutdown with nothing running is over at once") {
    World world("[units.a]\n");
    world.shut_down();
    CHECK(world.halted());
}

TEST_CASE("when all is down, what the target `shutdown` wants is run, and stopped") {
    World world("[units.a]\n[units.shutdown]\ntarget = {}\nwants = ['seed', 'clock']\n"
                "[units.seed]\nservice = { type = 'oneshot', command = '/s' }\n"
                "[units.clock]\nservice = { type = 'oneshot', command = '/c' }\n");
    world.ask("a");
    world.ready("a");
    world.spawned();
    world.shut_down();
    CHECK(world.spawned().empty());
    world.die("a", 15);
    CHECK(sorted(world.spawned()) == "clock seed");
    CHECK(world.signals() == "a:TERM+"); // what runs now is given its time
    CHECK_FALSE(world.halted());
    world.exit("seed", 0);
    CHECK_FALSE(world.halted());
    SUBCASE("well") { world.exit("clock", 0); }
    SUBCASE("badly") { world.exit("clock", 1); }
    CHECK(world.halted());
}

TEST_CASE("what somebody asks for during shutdown is not started in its last stage") {
    World world("[units.a]\n[units.web]\n[units.shutdown]\ntarget = {}\nwants = ['seed']\n"
                "[units.seed]\nservice = { type = 'oneshot', command = '/s' }\n");
    world.ask("a");
    world.ready("a");
    world.shut_down();
    SUBCASE("while units stop") {
        world.ask("web");
        world.die("a", 15);
    }
    SUBCASE("in the last stage") {
        world.die("a", 15);
        world.ask("web");
    }
    world.spawned();
    CHECK(world.running() == "seed");
    world.exit("seed", 0);
    CHECK(world.halted());
}

TEST_CASE("a unit that cannot end in time is killed during shutdown, too") {
    World world("[units.a]\nservice = { command = '/a', stop-timeout = '5s' }\n");
    world.ask("a");
    world.leave_behind("a");
    world.shut_down();
    world.pass("5s");
    CHECK(world.halted());
}

TEST_CASE("in a shutdown what is to stop last stops when all is down that does not have to wait for it") {
    World world("[units.modules]\nservice = { command = '/m' }\n"
                "[units.devices]\nrequires = ['modules']\nservice = { command = '/d', stop-last = true }\n"
                "[units.store]\nservice = { command = '/s' }\n");
    world.ask("devices");
    world.ask("store");
    world.shut_down();
    CHECK(world.phase("store") == "stopping");
    CHECK(world.phase("devices") == "up");
    world.die("store", 15);
    CHECK(world.phase("devices") == "stopping");
    CHECK(world.phase("modules") == "up");
    world.die("devices", 15);
    world.die("modules", 15);
    CHECK(world.halted());
}

TEST_CASE("a stop by hand does not wait for others, also of what stops last in a shutdown") {
    World world("[units.devices]\nservice = { command = '/d', stop-last = true }\n[units.store]\nservice = { command = "
                "'/s' }\n");
    world.ask("devices");
    world.ask("store");
    world.stop("devices");
    CHECK(world.phase("devices") == "stopping");
}
