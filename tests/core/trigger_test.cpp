// Units that are armed by being wanted and run by something else: a timer, a connection.
#include "world.hpp"

namespace mi::core {
namespace {

constexpr const char* nightly = "[units.nightly]\n[units.nightly.service]\ntype = 'oneshot'\ncommand = '/bin/job'\n"
                                "[units.nightly.timer]\nevery = '1h'\n";
constexpr const char* web = "[units.web]\n[units.web.service]\ncommand = '/bin/web'\nactivation = 'on-demand'\n"
                            "[[units.web.listen]]\nstream = '/run/web'\n";
constexpr const char* plain = "[units.web]\n[units.web.service]\ncommand = '/bin/web'\n"
                              "[[units.web.listen]]\nstream = '/run/web'\n";
constexpr const char* inetd = "[units.inetd]\n[units.inetd.service]\ncommand = '/bin/one'\n"
                              "[[units.inetd.listen]]\nstream = '/run/inetd'\naccept = true\n";

} // namespace

TEST_CASE("a wish arms a timer's service, which runs only when its time comes, and waits again after its run") {
    World world(nightly);
    world.wish("nightly");
    CHECK(world.phase("nightly") == "up");
    CHECK(world.running().empty());
    CHECK(world.armed() == "nightly");
    CHECK(world.why("nightly") == "nightly is up: it waits for its time.");
    world.trigger("nightly");
    CHECK(world.running() == "nightly");
    CHECK(world.phase("nightly") == "starting");
    world.exit("nightly", 0);
    CHECK(world.phase("nightly") == "up");
    CHECK(world.running().empty());
    CHECK(world.arms("nightly") == 2);
}

TEST_CASE("a run that still goes is not doubled by its trigger") {
    World world(nightly);
    world.wish("nightly");
    world.trigger("nightly");
    world.trigger("nightly");
    CHECK(world.spawned() == "nightly");
    world.exit("nightly", 0);
    CHECK(world.spawned().empty());
}

TEST_CASE("asked for by hand, a timer's service runs at once and is armed as well") {
    World world(nightly);
    world.ask("nightly");
    CHECK(world.running() == "nightly");
    world.exit("nightly", 0);
    CHECK(world.phase("nightly") == "up");
    CHECK(world.armed() == "nightly");
    world.ask("nightly");
    CHECK(world.running() == "nightly");
}

TEST_CASE("a timer's run that failed is shown as failed, and its next time is a new try") {
    World world(nightly);
    world.wish("nightly");
    world.trigger("nightly");
    world.exit("nightly", 3);
    CHECK(world.phase("nightly") == "failed");
    CHECK(world.armed() == "nightly");
    world.trigger("nightly");
    CHECK(world.running() == "nightly");
    world.exit("nightly", 0);
    CHECK(world.phase("nightly") == "up");
}

TEST_CASE("a timer's service that was stopped is not awaited, and its trigger does nothing") {
    World world(nightly);
    world.obedient();
    world.wish("nightly");
    world.trigger("nightly");
    world.stop("nightly");
    CHECK(world.phase("nightly") == "down");
    CHECK(world.armed().empty());
    world.trigger("nightly");
    CHECK(world.running().empty());
    CHECK(world.phase("nightly") == "down");
}

TEST_CASE("what a triggered oneshot leaves behind is ended with its run") {
    World world(nightly);
    world.wish("nightly");
    world.trigger("nightly");
    world.leave_behind("nightly");
    world.exit("nightly", 0);
    CHECK(world.signals() == "nightly:TERM~");
    world.leftovers_end("nightly");
    CHECK(world.phase("nightly") == "up");
}

TEST_CASE("conditions of a timer's service are those of each run: one that is not met leaves out that run alone") {
    World world("[units.nightly]\n[units.nightly.condition]\npath-exists = ['/x']\n[units.nightly.service]\n"
                "type = 'oneshot'\ncommand = '/bin/job'\n[units.nightly.timer]\nevery = '1h'\n");
    world.unmet("nightly", "path-exists = /x");
    world.wish("nightly");
    CHECK(world.phase("nightly") == "up");
    world.trigger("nightly");
    CHECK(world.phase("nightly") == "up");
    CHECK(world.spawned().empty());
    CHECK(world.arms("nightly") == 2);
    CHECK(world.why("nightly") == "nightly is up: it waits for its time; condition not met: path-exists = /x.");
    world.met("nightly");
    world.trigger("nightly");
    CHECK(world.running() == "nightly");
}

TEST_CASE("an on-demand service opens its sockets and waits, and its dependents start at once") {
    World world(std::string(web) + "[units.shop]\nrequires = ['web']\n");
    world.ask("shop");
    CHECK(world.open() == "web");
    CHECK(world.armed() == "web");
    CHECK(world.running() == "shop");
    world.ready("shop");
    world.trigger("web");
    CHECK(world.running() == "shop web");
    CHECK(world.phase("shop") == "up");
}

TEST_CASE("dependents of an on-demand service stay up while its run ends, fails and is tried again") {
    World world(std::string(web) + "[units.shop]\nrequires = ['web']\n");
    world.ask("shop");
    world.ready("shop");
    world.trigger("web");
    world.exit("web", 1);
    CHECK(world.phase("web") == "backoff");
    CHECK(world.phase("shop") == "up");
    CHECK(world.open() == "web");
    world.pass("1s");
    CHECK(world.running() == "shop web");
    world.exit("web", 0);
    CHECK(world.phase("web") == "up");
    CHECK(world.phase("shop") == "up");
    CHECK(world.running() == "shop");
    CHECK(world.armed() == "web");
}

TEST_CASE("an on-demand service whose run failed is failed, and awaits the next connection") {
    World world("[units.web]\n[units.web.service]\ntype = 'oneshot'\ncommand = '/bin/web'\nactivation = 'on-demand'\n"
                "[[units.web.listen]]\nstream = '/run/web'\n");
    world.obedient();
    world.ask("web");
    world.exit("web", 1);
    CHECK(world.phase("web") == "failed");
    CHECK(world.open() == "web");
    CHECK(world.armed() == "web");
    world.trigger("web");
    CHECK(world.running() == "web");
    world.exit("web", 1);
    SUBCASE("until it is stopped") { world.stop("web"); }
    SUBCASE("until all is") { world.shut_down(); }
    SUBCASE("until it was too often") {
        world.says("web", Event::Kind::overrun);
        CHECK(world.why("web") == "web is failed: it was triggered too often.");
    }
    CHECK(world.open() == "");
    CHECK(world.armed() == "");
}

TEST_CASE("an on-demand service that fails for good closes its sockets and takes its dependents along") {
    World world = World::all_up(
        "[units.web]\n[units.web.service]\ncommand = '/bin/web'\nactivation = 'on-demand'\nrestart-limit = 1\n"
        "[[units.web.listen]]\nstream = '/run/web'\n[units.shop]\nrequires = ['web']\n",
        {"shop"});
    world.trigger("web");
    world.exit("web", 1);
    world.pass("200ms");
    world.exit("web", 1);
    CHECK(world.phase("web") == "failed");
    CHECK(world.open().empty());
    CHECK(world.armed().empty());
    CHECK(world.phase("shop") == "failed");
}

TEST_CASE("one that is triggered again and again to no effect fails and says so") {
    World world(web);
    world.wish("web");
    world.says("web", Event::Kind::overrun);
    CHECK(world.phase("web") == "failed");
    CHECK(world.why("web") == "web is failed: it was triggered too often.");
    CHECK(world.open().empty());
    world.ask("web");
    CHECK(world.running() == "web");
    CHECK(world.open() == "web");
}

TEST_CASE("sockets stay open over a restart by hand, over backoff and while a requirement is away") {
    World world(std::string("[units.db]\n") + "[units.web]\nrequires = ['db']\n[units.web.service]\n"
                                              "command = '/bin/web'\n[[units.web.listen]]\nstream = '/run/web'\n");
    world.obedient();
    world.ask("web");
    world.ready("db");
    CHECK(world.open() == "web");
    world.restart("web");
    CHECK(world.open() == "web");
    CHECK(world.running() == "db web");
    world.exit("web", 1);
    CHECK(world.open() == "web");
    world.pass("1s");
    CHECK(world.open() == "web");
    world.restart("db");
    CHECK(world.open() == "web");
    world.ready("db");
    CHECK(world.running() == "db web");
    world.stop("web");
    CHECK(world.open().empty());
}

TEST_CASE("sockets that cannot be opened fail the start, which is tried again as any failed start is") {
    World world(plain);
    world.occupy("web", "cannot listen at *:80: bind: Address already in use");
    world.ask("web");
    CHECK(world.phase("web") == "backoff");
    CHECK(world.why("web") == "web is backoff: cannot listen at *:80: bind: Address already in use.");
    CHECK(world.spawned().empty());
    world.vacate("web");
    world.pass("1s");
    CHECK(world.running() == "web");
}

TEST_CASE("a service with a socket for each connection is up without a main process, and its stop sweeps the rest") {
    World world(inetd);
    world.wish("inetd");
    CHECK(world.phase("inetd") == "up");
    world.ask("inetd"); // there is nothing to run
    world.trigger("inetd");
    CHECK(world.spawned().empty());
    world.leave_behind("inetd");
    world.stop("inetd");
    CHECK(world.signals() == "inetd:TERM~");
    CHECK(world.phase("inetd") == "stopping");
    world.pass("10s");
    CHECK(world.signals() == "inetd:KILL~");
    CHECK(world.phase("inetd") == "down");
    CHECK(world.open().empty());
}

TEST_CASE("each connection's process is asked to end, also where the stop is only for main processes") {
    World world("[units.inetd]\n[units.inetd.service]\ncommand = '/bin/one'\nkill-mode = 'mixed'\n"
                "[[units.inetd.listen]]\nstream = '/run/inetd'\naccept = true\n");
    world.wish("inetd");
    world.leave_behind("inetd");
    world.stop("inetd");
    CHECK(world.signals() == "inetd:TERM~");
    world.pass("10s");
    CHECK(world.signals() == "inetd:KILL~");
    CHECK(world.phase("inetd") == "down");
}

TEST_CASE("a unit that waits and whose sockets cannot be opened after a re-read is tried again as any failed start") {
    World world(web);
    world.wish("web");
    world.occupy("web", "cannot listen at /run/web: bind: Address already in use");
    world.says("web", Event::Kind::sockets_failed);
    CHECK(world.phase("web") == "backoff");
    CHECK(world.armed().empty());
    world.pass("1s");
    CHECK(world.why("web") == "web is backoff: cannot listen at /run/web: bind: Address already in use.");
    CHECK(world.spawned().empty());
    world.vacate("web");
    world.pass("1min");
    CHECK(world.phase("web") == "up");
    CHECK(world.armed() == "web");
}

TEST_CASE("a restart of what only waits makes it wait again; a restart of what runs makes it run again") {
    World world(web);
    world.obedient();
    world.wish("web");
    world.restart("web");
    CHECK(world.running().empty());
    CHECK(world.armed() == "web");
    CHECK(world.open() == "web");
    world.trigger("web");
    world.restart("web");
    CHECK(world.running() == "web");
    CHECK(world.open() == "web");
}

TEST_CASE("after a re-read that took its timer away, a service is started as the plain one it is now") {
    World world("[units.job]\n[units.job.service]\ncommand = '/bin/job'\n[units.job.timer]\nevery = '1h'\n");
    world.wish("job");
    CHECK(world.running().empty());
    world.reread("[units.job]\n[units.job.service]\ncommand = '/bin/job'\n");
    CHECK(world.running() == "job");
    CHECK(world.phase("job") == "up");
}

TEST_CASE("a shutdown ends what only waits, and no trigger runs it any more") {
    World world(std::string(web) + nightly);
    world.wish("web");
    world.wish("nightly");
    world.shut_down();
    CHECK(world.halted());
    CHECK(world.open().empty());
    CHECK(world.armed().empty());
    world.trigger("nightly");
    CHECK(world.spawned().empty());
}

} // namespace mi::core
