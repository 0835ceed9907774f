// `explain`, word for word.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

TEST_CASE("an exit in words") {
    CHECK(text(ExitStatus{}).empty());
    CHECK(text(ExitStatus::code(3)) == "exit code 3");
    CHECK(text(ExitStatus::signal(11)) == "signal SIGSEGV");
    CHECK(text(ExitStatus::signal(11, true)) == "signal SIGSEGV, core dumped");
    CHECK(text(ExitStatus{ExitStatus::Kind::signal, false, true, 9}) == "signal SIGKILL, out of memory");
}

TEST_CASE("nothing has asked for a unit") {
    World world("[units.a]\n");
    CHECK(world.why("a") == "a is down: nothing has asked for it.");
}

TEST_CASE("a unit is up because somebody asked, or because something needs it") {
    World world("[units.a]\n[units.b]\nrequires = ['a']\n");
    world.ask("b");
    CHECK(world.why("a") == "a is starting: b needs it.");
    CHECK(world.why("b") == "b is waiting: it requires a, which is starting. a is starting: b needs it.");
    world.ready("a");
    world.ready("b");
    CHECK(world.why("a") == "a is up: b needs it.");
    CHECK(world.why("b") == "b is up: it was asked for.");
}

TEST_CASE("a unit that came up again is up for the same reason as before") {
    World world("[units.a]\nservice.command = '/a'\n");
    world.ask("a");
    world.exit("a", 1);
    CHECK(world.why("a") == "a is backoff: it ended with exit code 1.");
    world.pass("200ms");
    CHECK(world.why("a") == "a is up: it was asked for.");
}

TEST_CASE("what is waited for is named, whatever came before") {
    World world("[units.a]\n[units.b]\nservice.command = '/b'\nrequires = ['a']\n");
    world.ask("b");
    world.ready("a");
    world.exit("b", 1);
    world.exit("a", 1);
    world.ask("b"); // at once, but what it requires is on its way only
    CHECK(world.why("b") == "b is waiting: it requires a, which is backoff. a is backoff: it ended with exit code 1.");
}

TEST_CASE("each kind of dependency has its verb") {
    World world("[units.a]\n[units.w]\nwants = ['a']\n[units.m]\nmilestones = ['a']\n[units.o]\nafter = ['a']\n");
    for (const char* unit : {"a", "w", "m", "o"})
        world.ask(unit);
    CHECK(world.why("w").starts_with("w is waiting: it wants a, which is starting."));
    CHECK(world.why("m").starts_with("m is waiting: it has as a milestone a, which is starting."));
    CHECK(world.why("o").starts_with("o is waiting: it comes after a, which is starting."));
}

TEST_CASE("the chain of an explanation is units, each the cause of the one before") {
    World world(
        "[units.a]\nservice = { type = 'notify', command = '/a', restart = 'no' }\n[units.b]\nrequires = ['a']\n"
        "[units.c]\nrequires = ['b']\n");
    const auto chain_of = [&](const char* unit) {
        std::string names;
        for (UnitId id : chain(world.engine(), world.id(unit)))
            names += (names.empty() ? "" : " ") + world.engine().graph().name(id);
        return names;
    };
    world.ask("c");
    CHECK(chain_of("c") == "c b a");
    CHECK(cause(world.engine(), world.id("b")) == world.id("a")); // what it waits for
    CHECK(cause(world.engine(), world.id("a")) == no_unit);
    world.exit("a", 1);
    CHECK(world.phase("c") == "failed");
    CHECK(chain_of("c") == "c b a"); // what has failed it
    CHECK(world.why("b") == "b is failed: dependency failed: a. a is failed: it ended with exit code 1.");
}

TEST_CASE("stopped by hand") {
    World world("[units.a]\n[units.b]\nrequires = ['a']\n");
    world.ask("b");
    world.ready("a");
    world.ready("b");
    world.stop("a");
    CHECK(world.why("b") == "b is stopping: a, which it requires, stopped. a is up: stopped by hand; b stops first.");
    world.die("b", 15);
    CHECK(world.phase("a") == "stopping");
    world.die("a", 15);
    CHECK(world.why("a") == "a is down: stopped by hand.");
    CHECK(world.why("b") == "b is waiting: it requires a, which is down. a is down: stopped by hand.");
}

TEST_CASE("nothing needs it any more") {
    World world("[units.a]\n[units.b]\nrequires = ['a']\n");
    world.obedient();
    world.ask("b");
    world.ready("a");
    world.ready("b");
    world.stop("b");
    CHECK(world.why("a") == "a is down: nothing needs it.");
    CHECK(world.why("b") == "b is down: stopped by hand.");
}

TEST_CASE("a unit that waits for what it conflicts with, and one that gave way") {
    World world("[units.a]\n[units.b]\nconflicts = ['a']\n");
    world.ask("a");
    world.ready("a");
    world.ask("b");
    CHECK(world.why("b") == "b is waiting: a unit it conflicts with has to stop first.");
    CHECK(world.why("a") ==
          "a is stopping: it conflicts with b. b is waiting: a unit it conflicts with has to stop first.");
    world.die("a", 15);
    CHECK(world.why("a") == "a is down: it conflicts with b. b is starting: it was asked for.");
}

TEST_CASE("a unit that waits for its turn says so") {
    World world("[units.a]\n[units.b]\n", {.parallel_starts = 1});
    world.ask("a");
    world.ask("b");
    CHECK(world.why("b") == "b is waiting: as many units are starting as parallel-starts allows.");
}

TEST_CASE("a stop that had to kill") {
    World world("[units.a]\nservice = { command = '/a', restart = 'no' }\n");
    world.ask("a");
    world.linger("a");
    world.stop("a");
    world.pass("10s");
    CHECK(world.why("a") == "a is stopping: stopped by hand; it did not end in time and was killed.");
    world.die("a", 9);
    CHECK(world.why("a") == "a is down: stopped by hand.");
}

TEST_CASE("shutting down, restarting") {
    World world("[units.a]\n[units.b]\n");
    world.ask("a");
    world.ask("b");
    world.ready("a");
    world.ready("b");
    world.restart("b");
    CHECK(world.why("b") == "b is stopping: it is being restarted.");
    world.shut_down();
    CHECK(world.why("a") == "a is stopping: the system is shutting down.");
    world.die("a", 15);
    CHECK(world.why("a") == "a is down: the system is shutting down.");
}

TEST_CASE("an explanation ends, whatever the causes point to") {
    World world("[units.a]\nconflicts = ['b']\n[units.b]\n");
    world.obedient();
    for (int i = 0; i < 4; ++i) {
        world.ask("a");
        world.ask("b");
    }
    CHECK(world.why("a") == "a is down: it conflicts with b. b is starting: it was asked for.");
}

TEST_CASE("a service that a filter of system calls has ended is told apart from one that a signal has") {
    for (bool filtered : {true, false}) {
        World world(
            std::string("[units.a.service]\ncommand = ['/x']\nrestart = 'no'\n[units.a.process]\numask = '0022'\n") +
            (filtered ? "system-call-filter = ['@system-service']\n" : ""));
        world.ask("a");
        world.die("a", 31);
        std::string why = reason(world.engine(), world.id("a"));
        CHECK(why == std::string("it ended with signal SIGSYS") +
                         (filtered ? ", for a system call that its system-call-filter denies" : ""));
    }
}

TEST_CASE("what is stopped by hand says so while it stops, whoever needs it or asks for it meanwhile") {
    World world("[units.slow]\n[units.dep]\nwants = ['slow']\n");
    world.ask("dep");
    world.ready("slow");
    world.ready("dep");
    world.stop("slow");
    CHECK(world.why("slow") == "slow is stopping: stopped by hand.");
    world.wish("slow");
    CHECK(world.why("slow") == "slow is stopping: stopped by hand.");
    world.die("slow", 15);
    CHECK(world.why("slow") == "slow is starting: it was asked for.");
}

TEST_CASE("what gives way for another and has to wait for that says so") {
    World world("[units.a]\n[units.user]\nrequires = ['a']\n[units.b]\nconflicts = ['a']\n");
    world.ask("user");
    world.ready("a");
    world.ready("user");
    world.ask("b");
    CHECK(world.why("a") == "a is up: it conflicts with b; user stops first.");
    world.stop("b"); // what is asked of b changes nothing in why a goes
    world.die("user", 15);
    CHECK(world.why("a").starts_with("a is stopping: it conflicts with b."));
}

TEST_CASE("why a unit failed stays until its next start, whatever comes in between") {
    const std::string units = "[units.db]\nservice = { type = 'notify', command = '/db', restart = 'no' }\n"
                              "[units.other]\nconflicts = ['db', 'web']\n[units.web]\nrequires = ['db']\n";
    World world(units);
    world.obedient();
    world.ask("web");
    world.exit("db", 3);
    const std::string failed = "db is failed: it ended with exit code 3.";
    REQUIRE(world.why("web") == "web is failed: dependency failed: db. " + failed);
    SUBCASE("a conflict") {
        world.ask("other");
        world.ready("other");
        CHECK(world.why("web") == "web is failed: dependency failed: db. " + failed);
    }
    SUBCASE("a stop") {
        world.stop("db");
        CHECK(world.why("db") == "db is down: it ended with exit code 3 (stopped by hand).");
        world.stop("db");
        CHECK(world.why("db") == "db is down: it ended with exit code 3 (stopped by hand).");
        CHECK(world.record("db").last_exit == ExitStatus::code(3));
    }
    SUBCASE("a stop of what failed with it") {
        world.stop("web");
        CHECK(world.why("web") == "web is down: dependency failed: db (stopped by hand). " + failed);
    }
    SUBCASE("a reload of it, and of the unit files") {
        world.reload("db");
        world.reread(units + "[units.more]\n");
        CHECK(world.why("web") == "web is failed: dependency failed: db. " + failed);
    }
    SUBCASE("a file that cannot be read, and one that can be again") {
        world.reread("[units.db]\nservic = 1\n[units.web]\nrequires = ['db']\n");
        CHECK(world.phase("db") == "invalid");
        CHECK(world.record("db").last_exit == ExitStatus::code(3));
        world.reread(units);
        CHECK(world.record("db").last_exit == ExitStatus::code(3));
    }
}

TEST_CASE("a pending restart that is called off leaves why there was one") {
    World world = World::all_up(
        "[units.a]\nservice.command = '/a'\n[units.b]\nconflicts = ['a']\n[units.user]\nwants = ['a']\n", {"user"});
    world.exit("a", 3);
    REQUIRE(world.phase("a") == "backoff");
    SUBCASE("by hand") {
        world.stop("a");
        CHECK(world.why("a") == "a is down: it ended with exit code 3 (stopped by hand).");
    }
    SUBCASE("by what it conflicts with") {
        world.ask("b");
        CHECK(world.why("a") == "a is down: it ended with exit code 3 (it conflicts with b).");
    }
    SUBCASE("as nothing needs it any more") {
        world.stop("user");
        CHECK(world.why("a") == "a is down: it ended with exit code 3.");
    }
}

TEST_CASE("a conflict that comes while a unit ends by itself is not why it ended") {
    World world("[units.a]\nservice.command = '/a'\n[units.b]\nconflicts = ['a']\n");
    world.ask("a");
    world.leave_behind("a");
    world.exit("a", 3);
    world.ask("b");
    CHECK(world.why("a").starts_with("a is stopping: it ended with exit code 3."));
    world.leftovers_end("a");
    CHECK(world.why("a") == "a is down: it ended with exit code 3 (it conflicts with b).");
}

TEST_CASE("what has to be killed after its failure failed for the same reason") {
    World world("[units.a.service]\ncommand = '/a'\npost-start = [['/p']]\nrestart = 'no'\n");
    world.ask("a");
    world.linger("a");
    world.hook_exit("a", 4);
    world.pass("10s");
    world.die("a", 9);
    CHECK(world.why("a") == "a is failed: post-start failed: post-start command 1 ended with exit code 4; "
                            "it did not end in time and was killed.");
}

TEST_CASE("a command of a stop that cannot be started is not why the unit failed") {
    World world("[units.a.service]\ntype = 'notify'\ncommand = '/a'\npost-stop = [['/p']]\nrestart = 'no'\n");
    world.ask("a");
    world.refuse("a", "exec \"/p\": No such file or directory");
    world.exit("a", 0);
    CHECK(world.why("a") == "a is failed: it ended before it said that it is ready.");
}

TEST_CASE("a reload that failed is not why a service ended later") {
    World world("[units.a.service]\ncommand = '/a'\nreload-command = '/r'\nrestart = 'no'\n");
    world.ask("a");
    world.reload("a");
    world.hook_exit("a", 2);
    world.exit("a", 3);
    CHECK(world.why("a") == "a is failed: it ended with exit code 3.");
}

TEST_CASE("what came too often in a row is told with how it came the last time") {
    World world("[units.a.service]\ntype = 'notify'\ncommand = '/a'\nrestart-limit = 1\n");
    world.obedient();
    world.ask("a");
    world.exit("a", 3);
    world.pass("200ms");
    SUBCASE("not ready") {
        world.pass("90s");
        CHECK(world.why("a") == "a is failed: it ended too often in a row, the last time because "
                                "it was not ready within its start-timeout.");
    }
    SUBCASE("hung") {
        world.ready("a");
        world.says("a", Event::Kind::hung);
        CHECK(world.why("a") == "a is failed: it ended too often in a row, the last time because "
                                "its watchdog ran out: it says itself that it hangs.");
    }
}

TEST_CASE("the end of the last run is no reason for the next one that a trigger starts") {
    World world("[units.a]\nservice.command = '/a'\ntimer.every = '1h'\n");
    world.ask("a");
    world.exit("a", 0);
    world.trigger("a");
    CHECK(world.why("a") == "a is up: it was asked for.");
}
