// [await]: units that wait for devices, networks and paths, and for those only.
#include "world.hpp"

using namespace mi;
using namespace mi::core;

namespace {

const std::string modem = R"(
[units.modem]
[units.modem.await]
device = ["/dev/ttyUSB0"]
on-loss = "stop"
[units.ppp]
requires = ["modem"]
)";

std::string changed(std::string text, const std::string& from, const std::string& to) {
    text.replace(text.find(from), from.size(), to);
    return text;
}

// Its device is not there.
World without_modem(const std::string& toml = modem, const std::string& unit = "ppp") {
    World world(toml);
    world.lacks("modem", "device /dev/ttyUSB0");
    world.ask(unit);
    return world;
}

World with_modem(const std::string& toml = modem) {
    World world(toml);
    world.obedient();
    world.ask("ppp");
    world.ready("modem");
    world.ready("ppp");
    CHECK(world.running() == "modem ppp");
    world.changes();
    world.signals();
    return world;
}

} // namespace

TEST_CASE("a unit starts at once if all that it awaits is there") {
    World world(modem);
    world.ask("modem");
    CHECK(world.running() == "modem");
}

TEST_CASE("a unit is waiting until what it awaits is there, and says for what; what requires it says so, too") {
    World world = without_modem();
    world.pass("24h");
    CHECK(world.running().empty());
    CHECK(world.phase("modem") == "waiting");
    CHECK(world.why("modem") == "modem is waiting: it waits for device /dev/ttyUSB0.");
    CHECK(world.why("ppp") ==
          "ppp is waiting: it requires modem, which is waiting. modem is waiting: it waits for device /dev/ttyUSB0.");
    world.comes("modem");
    CHECK(world.running() == "modem");
    CHECK(world.why("modem") == "modem is starting: ppp needs it.");
}

TEST_CASE("nothing starts before somebody has looked") {
    World world(modem);
    world.look_away();
    world.ask("modem");
    CHECK(world.why("modem") == "modem is waiting: it is looked whether what it awaits is there.");
    world.comes("modem");
    CHECK(world.running() == "modem");
}

TEST_CASE("what it waits for is told as it changes") {
    World world = without_modem();
    world.lacks("modem", "device /dev/ttyUSB0 (it is no device)");
    CHECK(world.why("modem") == "modem is waiting: it waits for device /dev/ttyUSB0 (it is no device).");
}

TEST_CASE("a unit that waits for its dependencies starts when both these and what it awaits are there") {
    World world(modem +
                "[units.net]\n[units.net.await]\npath = ['/x']\n[units.net2]\n[units.web]\nrequires = ['net2']\n"
                "[units.web.await]\npath = ['/y']\n");
    world.lacks("web", "path /y");
    world.ask("web");
    CHECK(world.why("web") == "web is waiting: it requires net2, which is starting. net2 is starting: web needs it.");
    world.ready("net2");
    CHECK(world.why("web") == "web is waiting: it waits for path /y.");
    world.comes("web");
    CHECK(world.running() == "net2 web");
}

TEST_CASE("a loss stops the unit after what requires it, and both start again when it is back") {
    World world = with_modem();
    world.lacks("modem", "device /dev/ttyUSB0");
    CHECK(world.signals() == "ppp:TERM+ modem:TERM+");
    CHECK(world.running().empty());
    CHECK(world.why("modem") == "modem is waiting: it waits for device /dev/ttyUSB0.");
    world.comes("modem");
    CHECK(world.running() == "modem");
    world.ready("modem");
    CHECK(world.running() == "modem ppp");
    CHECK(world.record("modem").restarts == 0);
}

TEST_CASE("a unit that stops for a loss says so") {
    World world(modem);
    world.ask("modem");
    world.ready("modem");
    world.lacks("modem", "device /dev/ttyUSB0");
    CHECK(world.why("modem") == "modem is stopping: what it awaits is gone: device /dev/ttyUSB0.");
}

TEST_CASE("what is back before its unit could stop leaves the unit up") {
    World world(modem);
    world.ask("ppp");
    world.ready("modem");
    world.ready("ppp");
    world.lacks("modem", "device /dev/ttyUSB0"); // ppp stops first
    CHECK(world.phase("ppp") == "stopping");
    CHECK(world.phase("modem") == "up");
    world.comes("modem");
    world.exit("ppp", 0);
    CHECK(world.running() == "modem ppp");
    CHECK(world.phase("modem") == "up");
}

TEST_CASE("without on-loss a unit stays up, whatever goes") {
    World world = with_modem(changed(modem, "on-loss = \"stop\"\n", ""));
    world.lacks("modem", "device /dev/ttyUSB0");
    CHECK(world.running() == "modem ppp");
    world.comes("modem");
    CHECK(world.running() == "modem ppp");
}

TEST_CASE("a unit that fails because its device goes waits for that, and not in backoff up to its limit") {
    World world(changed(modem, "on-loss = \"stop\"\n", ""));
    world.ask("modem");
    world.ready("modem");
    world.lacks("modem", "device /dev/ttyUSB0");
    world.exit("modem", 1);
    CHECK(world.phase("modem") == "backoff");
    world.pass("1h");
    CHECK(world.why("modem") == "modem is waiting: it waits for device /dev/ttyUSB0.");
    CHECK(world.record("modem").tries == 1);
    world.comes("modem");
    CHECK(world.running() == "modem");
}

TEST_CASE("a loss while the unit starts stops it, too") {
    World world(modem);
    world.obedient();
    world.ask("modem");
    world.lacks("modem", "device /dev/ttyUSB0");
    CHECK(world.running().empty());
    CHECK(world.phase("modem") == "waiting");
}

TEST_CASE("a oneshot that is done is undone by a loss, and runs again") {
    World world(modem +
                "[units.setup]\nservice.type = 'oneshot'\nservice.command = ['/bin/setup']\n[units.setup.await]\n"
                "interface = ['eth0']\non-loss = 'stop'\n");
    world.ask("setup");
    world.exit("setup", 0);
    CHECK(world.phase("setup") == "done");
    world.lacks("setup", "interface eth0 (no carrier)");
    CHECK(world.phase("setup") == "waiting");
    world.comes("setup");
    CHECK(world.running() == "setup");
}

TEST_CASE("a target waits and goes as a service does") {
    World world("[units.online]\n[units.online.target]\n[units.online.await]\naddress = ['any']\non-loss = 'stop'\n"
                "[units.web]\nrequires = ['online']\n");
    world.obedient();
    world.lacks("online", "an address that other machines reach");
    world.ask("web");
    CHECK(world.phase("online") == "waiting");
    world.comes("online");
    CHECK(world.phase("online") == "up");
    CHECK(world.running() == "web");
    world.lacks("online", "an address that other machines reach");
    CHECK(world.running().empty());
    CHECK(world.phase("online") == "waiting");
}

TEST_CASE("a unit that may wait for ever holds up nobody who only wants it, nor a boot") {
    World world(modem + "[units.default]\nwants = ['ppp', 'modem']\n[units.default.target]\n[units.late]\nafter = "
                        "['modem']\nwanted-by = ['default']\n");
    world.lacks("modem", "device /dev/ttyUSB0");
    world.ask("default");
    CHECK(world.running() == "late");
    world.ready("late");
    CHECK(world.phase("default") == "up");
    CHECK(world.phase("ppp") == "waiting");
    CHECK(world.engine().coming_units() == 0);
    world.comes("modem");
    CHECK(world.running() == "late modem");
}

TEST_CASE("a unit with a timeout holds up those that want it, but not for longer") {
    const std::string timed = changed(modem, "on-loss", "timeout = \"30s\"\non-loss");
    World world(timed + "[units.default]\nwants = ['modem']\n[units.default.target]\n");
    world.lacks("modem", "device /dev/ttyUSB0");
    world.ask("default");
    world.ask("ppp");
    world.pass("29s");
    CHECK(world.phase("modem") == "waiting");
    CHECK(world.phase("default") == "waiting");
    world.pass("1s");
    CHECK(world.phase("modem") == "failed");
    CHECK(world.why("ppp") == "ppp is failed: dependency failed: modem. modem is failed: what it waited for did not "
                              "come within its [await] timeout: device /dev/ttyUSB0.");
    CHECK(world.phase("default") == "up");
    world.ask("modem");
    CHECK(world.phase("modem") == "waiting");
    world.comes("modem");
    world.ready("modem");
    world.ready("ppp");
    world.pass("1h");
    CHECK(world.running() == "modem ppp");
}

TEST_CASE("the timeout begins when nothing else is waited for") {
    World world(changed(modem, "on-loss", "timeout = \"30s\"\non-loss") + "[units.bus]\nbefore = ['modem']\n");
    world.lacks("modem", "device /dev/ttyUSB0");
    world.ask("bus");
    world.ask("modem");
    world.pass("80s");
    CHECK(world.phase("modem") == "waiting");
    world.ready("bus");
    world.pass("29s");
    CHECK(world.phase("modem") == "waiting");
    world.pass("1s");
    CHECK(world.phase("modem") == "failed");
}

TEST_CASE("a unit that waits can be stopped, and started again") {
    World world = without_modem(changed(modem, "on-loss", "timeout = \"30s\"\non-loss"), "modem");
    world.stop("modem");
    CHECK(world.phase("modem") == "down");
    world.pass("1h");
    CHECK(world.phase("modem") == "down");
    world.ask("modem");
    CHECK(world.phase("modem") == "waiting");
}

TEST_CASE("a timer whose unit awaits something is armed when that is there, and disarmed when it goes") {
    World world("[units.sync]\nservice.type = 'oneshot'\nservice.command = ['/bin/sync']\n[units.sync.timer]\nevery = "
                "'1h'\n[units.sync.await]\naddress = ['any']\non-loss = 'stop'\n");
    world.lacks("sync", "an address that other machines reach");
    world.wish("sync");
    CHECK(world.armed().empty());
    world.comes("sync");
    CHECK(world.armed() == "sync");
    world.lacks("sync", "an address that other machines reach");
    CHECK(world.armed().empty());
    CHECK(world.phase("sync") == "waiting");
    world.comes("sync");
    CHECK(world.armed() == "sync");
}

TEST_CASE("reading files again stops no unit for what its file asks for only now") {
    World world(changed(modem, "[units.modem.await]\ndevice = [\"/dev/ttyUSB0\"]\non-loss = \"stop\"\n", ""));
    world.ask("modem");
    world.ready("modem");
    world.reread(modem);
    world.lacks("modem", "device /dev/ttyUSB0");
    CHECK(world.phase("modem") == "up");
    world.comes("modem"); // from now on it has it
    world.lacks("modem", "device /dev/ttyUSB0");
    CHECK(world.phase("modem") == "stopping");
}

TEST_CASE("what a unit waits for is looked at anew when its file was read again") {
    World world = without_modem();
    world.look_away();
    world.reread(changed(modem, "ttyUSB0", "ttyUSB1"));
    CHECK(world.running().empty());
    world.comes("modem");
    CHECK(world.running() == "modem");
    World other = without_modem();
    other.reread(changed(modem, "[units.modem.await]\ndevice = [\"/dev/ttyUSB0\"]\non-loss = \"stop\"\n", ""));
    CHECK(other.running() == "modem");
}

TEST_CASE("a shutdown does not wait for what is missing") {
    World world = without_modem();
    world.shut_down();
    CHECK(world.halted());
}

TEST_CASE("after a crash the unit knows what it had, so that a loss meanwhile is one") {
    World world = with_modem();
    auto copy = world.copy(units_of(modem));
    CHECK(copy.phase("modem") == "up");
    const UnitId id = copy.engine.graph().find("ppp");
    (void)copy.engine.step({.kind = Event::Kind::something_missing,
                            .unit = copy.engine.graph().find("modem"),
                            .detail = "device /dev/ttyUSB0"},
                           world.now());
    CHECK(copy.engine.record(id).phase == Phase::stopping);
}

TEST_CASE("after a crash what a unit waits for is looked at anew: it may have gone meanwhile") {
    // It has its device, and waits for another unit.
    const std::string text = changed(modem, "[units.modem]\n",
                                     "[units.driver]\nservice = { type = 'notify', command = '/d' }\n"
                                     "[units.modem]\nrequires = ['driver']\n");
    World world(text);
    world.ask("ppp");
    world.comes("modem");
    CHECK(world.phase("modem") == "waiting");
    CHECK(world.record("modem").presence == Presence::there);
    auto copy = world.copy(units_of(text));
    const UnitId id = copy.engine.graph().find("modem");
    CHECK(copy.engine.record(id).presence == Presence::unknown);
    (void)copy.engine.step({.kind = Event::Kind::ready, .unit = copy.engine.graph().find("driver")}, world.now());
    CHECK(copy.phase("driver") == "up");
    CHECK(copy.phase("modem") == "waiting");
    (void)copy.engine.step({.kind = Event::Kind::all_there, .unit = id}, world.now());
    CHECK(copy.phase("modem") == "starting");
}
