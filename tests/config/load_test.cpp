// Search path, drop-ins, masks, templates, bundle, enable and disable, on real directories.
#include "config/load.hpp"
#include "directory.hpp"

#include <doctest/doctest.h>

namespace mi::config {

using core::Dependency, core::Relation;

namespace {

constexpr std::string_view plain = "[service]\ncommand = [\"/bin/true\"]\n";

std::string with(std::string_view top) { return std::string(top) + std::string(plain); }

} // namespace

TEST_CASE("the first file of a name on the search path counts, whole") {
    TestDirectory directory;
    directory.write("etc/a.toml", with("description = \"admin\"\n"));
    directory.write("lib/a.toml", with("description = \"vendor\"\nrequires = [\"x\"]\n"));
    directory.write("run/b.toml", with("description = \"runtime\"\n"));
    directory.write("lib/b.toml", with("description = \"vendor\"\n"));
    directory.write("lib/c.toml", with("description = \"vendor\"\n"));
    Loaded loaded = load(directory.source());
    CHECK(problems(loaded, directory).empty());
    REQUIRE(names(loaded) == "a b c");
    CHECK(loaded.units[0].description == "admin");
    CHECK(loaded.units[0].dependencies.empty());
    CHECK(loaded.units[0].source == directory.path("etc/a.toml"));
    CHECK(loaded.units[1].description == "runtime");
    CHECK(loaded.units[2].description == "vendor");
}

TEST_CASE("no directory and no bundle is an empty system, unless they were asked for") {
    TestDirectory directory;
    Source source = directory.source();
    CHECK(load(source).problems.empty());
    source.directories_required = source.config_required = true;
    CHECK(problems(load(source), directory) == "etc: cannot be read: No such file or directory\n"
                                               "lib: cannot be read: No such file or directory\n"
                                               "miniinit.toml: does not exist\n"
                                               "run: cannot be read: No such file or directory\n");
}

TEST_CASE("drop-ins of all directories are merged key by key in the order of their file names") {
    TestDirectory directory;
    directory.write("lib/a.toml", "description = \"base\"\nwants = [\"x\"]\n[service]\ncommand = [\"/a\"]\n"
                                  "[process]\nenvironment = { A = \"1\", B = \"2\" }\n"
                                  "[[listen]]\nname = \"web\"\nstream = \"*:80\"\n");
    directory.write("lib/a.toml.d/50-vendor.toml", "description = \"fifty\"\nwants = [\"y\"]\n");
    directory.write("etc/a.toml.d/10-admin.toml",
                    "description = \"ten\"\n[process]\nenvironment = { B = \"3\", C = \"4\" }\n");
    directory.write("etc/a.toml.d/90-admin.toml", "[service]\nrestart = \"always\"\n[[listen]]\nname = \"web\"\n"
                                                  "stream = \"*:81\"\n[[listen]]\nstream = \"*:443\"\n");
    directory.write("etc/a.toml.d/README", "no TOML");
    Loaded loaded = load(directory.source());
    CHECK(problems(loaded, directory).empty());
    REQUIRE(names(loaded) == "a");
    const core::Unit& unit = loaded.units[0];
    CHECK(unit.description == "fifty");
    CHECK(unit.dependencies == std::vector<Dependency>{{Relation::want, "y"}});
    CHECK(unit.service.command == core::Command{"/a"});
    CHECK(unit.service.restart == core::RestartPolicy::always);
    CHECK(unit.process->environment ==
          std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"B", "3"}, {"C", "4"}});
    REQUIRE(unit.listen.size() == 2);
    CHECK(unit.listen[0].address == "*:81");
    CHECK(unit.listen[1].address == "*:443");
}

TEST_CASE("of two drop-ins with the same name the first directory's counts, and a link to /dev/null silences it") {
    TestDirectory directory;
    directory.write("lib/a.toml", with(""));
    directory.write("lib/a.toml.d/x.toml", "description = \"vendor\"\n");
    directory.write("etc/a.toml.d/x.toml", "documentation = [\"admin\"]\n");
    directory.write("lib/a.toml.d/y.toml", "description = \"silenced\"\n");
    directory.link("/dev/null", "etc/a.toml.d/y.toml");
    Loaded loaded = load(directory.source());
    CHECK(loaded.units[0].description.empty());
    CHECK(loaded.units[0].documentation == std::vector<std::string>{"admin"});
}

TEST_CASE("a fault in a drop-in names the drop-in, and makes the unit invalid") {
    TestDirectory directory;
    directory.write("lib/a.toml", with(""));
    directory.write("etc/a.toml.d/x.toml", "\n[service]\nrestrat = \"no\"\n");
    Loaded loaded = load(directory.source());
    CHECK(problems(loaded, directory) ==
          "etc/a.toml.d/x.toml:3:1: unknown key `restrat` in [service] (did you mean `restart`?)\n");
    CHECK(loaded.units[0].fault.ends_with(
        "a.toml.d/x.toml:3:1: unknown key `restrat` in [service] (did you mean `restart`?)"));
}

TEST_CASE("drop-ins without a unit are said") {
    TestDirectory directory;
    directory.write("etc/a.toml.d/x.toml", "");
    CHECK(problems(load(directory.source()), directory) == "etc/a.toml.d: drop-ins of a unit that no file defines\n");
}

TEST_CASE("a link to /dev/null masks a unit") {
    TestDirectory directory;
    directory.link("/dev/null", "etc/a.toml");
    directory.write("lib/a.toml", with("requires = [\"x\"]\n"));
    Loaded loaded = load(directory.source());
    REQUIRE(names(loaded) == "a");
    CHECK(loaded.problems.empty());
    CHECK(loaded.units[0].masked);
    CHECK(loaded.units[0].fault == "masked");
    CHECK(loaded.units[0].dependencies.empty());
}

TEST_CASE("a template makes an instance for everyone who names one, and for theirs in turn") {
    TestDirectory directory;
    directory.write("lib/getty@.toml",
                    "description = \"Login on ${instance} ($${name})\"\nrequires = [\"port@${instance}\"]\n"
                    "[service]\nscript = \"exec agetty ${instance} ${name} ${TERM} $$\"\n");
    directory.write("lib/port@.toml", with(""));
    directory.write("etc/port@ttyS0.toml", with("description = \"its own\"\n"));
    directory.write("etc/all.toml", "wants = [\"getty@tty1\", \"getty@ttyS0\", \"ghost@x\"]\n[target]\n");
    directory.write("etc/getty@tty1.toml.d/a.toml", "documentation = [\"instance\"]\n");
    directory.write("lib/getty@.toml.d/a.toml", "documentation = [\"template\"]\n");
    Loaded loaded = load(directory.source());
    CHECK(problems(loaded, directory).empty());
    CHECK(names(loaded) == "all getty@tty1 getty@ttyS0 port@tty1 port@ttyS0");
    const core::Unit& unit = *find(loaded, "getty@tty1");
    CHECK(unit.instance == "tty1");
    CHECK(unit.description == "Login on tty1 (${name})");
    CHECK(unit.dependencies == std::vector<Dependency>{{Relation::requirement, "port@tty1"}});
    CHECK(unit.service.command ==
          core::Command{"/bin/sh", "-eu", "-c", "exec agetty tty1 getty@tty1 ${TERM} $$", "getty@tty1"});
    CHECK(unit.documentation == std::vector<std::string>{"instance"});
    CHECK(find(loaded, "getty@ttyS0")->documentation == std::vector<std::string>{"template"});
    CHECK(find(loaded, "port@ttyS0")->description == "its own");
}

TEST_CASE("instances come from links in enabled/, the default target, and from whoever asks") {
    TestDirectory directory;
    directory.write("lib/a@.toml", with(""));
    directory.write("miniinit.toml", "[manager]\ndefault-target = \"a@default\"\n");
    directory.link("../a@.toml", "etc/enabled/a@linked");
    std::string also[] = {"a@asked", "b@asked", "a@", "nonsense/"};
    CHECK(names(load(directory.source(), also)) == "a@asked a@default a@linked");
    CHECK(names(load_one(directory.source(), "a@later")) == "a@later");
    CHECK(names(load_one(directory.source(), "a@")) == "");
    CHECK(names(load_one(directory.source(), "b@later")) == "");
}

TEST_CASE("a template is checked even while nothing names an instance, and its faults are told once") {
    TestDirectory directory;
    directory.write("lib/a@.toml", "[service]\ncommand = \"x\"\ncolour = 1\n");
    const char* expected = "lib/a@.toml:3:1: unknown key `colour` in [service]\n";
    CHECK(problems(load(directory.source()), directory) == expected);
    directory.write("lib/b.toml", with("wants = [\"a@1\", \"a@2\"]\n"));
    Loaded loaded = load(directory.source());
    CHECK(problems(loaded, directory) == expected);
    CHECK(names(loaded) == "a@1 a@2 b");
    CHECK_FALSE(find(loaded, "a@2")->fault.empty());
}

TEST_CASE("a bundle holds settings and whole units, which go before the directories") {
    TestDirectory directory;
    directory.write("miniinit.toml",
                    "[manager]\nparallel-starts = 4\n[units.db]\ndescription = \"bundle\"\n"
                    "[units.db.service]\ncommand = [\"/db\"]\n"
                    "[units.\"tty@\".service]\ncommand = [\"/tty\", \"${instance}\"]\n"
                    "[units.all]\nwants = [\"tty@1\"]\n[units.all.target]\naliases = [\"everything\"]\n");
    directory.write("etc/db.toml", with("description = \"file\"\n"));
    directory.write("etc/db.toml.d/x.toml", "documentation = [\"drop-in\"]\n");
    Loaded loaded = load(directory.source());
    CHECK(problems(loaded, directory).empty());
    CHECK(names(loaded) == "all db tty@1");
    CHECK(loaded.manager.parallel_starts == 4);
    CHECK(find(loaded, "db")->description == "bundle");
    CHECK(find(loaded, "db")->source == directory.path("miniinit.toml [units.db]"));
    CHECK(find(loaded, "db")->documentation == std::vector<std::string>{"drop-in"});
    CHECK(find(loaded, "all")->kind == core::Kind::target);
    CHECK(find(loaded, "all")->aliases == std::vector<std::string>{"everything"});
    CHECK(find(loaded, "tty@1")->service.command == core::Command{"/tty", "1"});
}

TEST_CASE("a syntax error in a bundle spoils the unit it stands in and no other") {
    Loaded loaded = read_bundle("[units.a.service]\ncommand = [\"/a\"]\n"
                                "[units.b.service]\ncommand = [\"/b\"\n"
                                "[units.c.service]\ncommand = [\"/c\"]\nrestart = no\n"
                                "[units.d.service]\ncommand = [\"/d\"]\n",
                                "x.toml");
    REQUIRE(names(loaded) == "a b c d");
    CHECK(loaded.units[0].fault.empty());
    CHECK(loaded.units[1].fault == "x.toml:4:11: this bracket is never closed");
    CHECK(loaded.units[2].fault == "x.toml:7:11: a string has to stand in quotes (write \"no\")");
    CHECK(loaded.units[3].fault.empty());
    CHECK(loaded.problems.size() == 2);
}

TEST_CASE("a bundle's own faults are reported with their place") {
    Loaded loaded =
        read_bundle("[manager]\nshutdown-timeout = 5\nwatchdog = \"10s\"\n[mangaer]\n[units.\"a b\".service]\n"
                    "[units.c]\n[units]\nd = 3\n[units.kernel.service]\ncommand = [\"/x\"]\n",
                    "x.toml");
    std::string all;
    for (const Problem& problem : loaded.problems)
        all += brief(problem) + '\n';
    CHECK(all ==
          "x.toml:2:20: `shutdown-timeout`: expected a duration such as \"500ms\", \"10s\" or \"1h30min\", found the "
          "integer 5 (write \"5s\")\n"
          "x.toml:4:2: unknown table [mangaer] (did you mean [manager]?)\n"
          "x.toml:5:8: \"a b\" cannot name a unit: a name consists of letters, digits and _ . @ : -\n"
          "x.toml:6:1: needs [service] or [target]\n"
          "x.toml:8:1: `units.d`: expected a table (write [units.d])\n"
          "x.toml:9:8: \"kernel\" cannot name a unit: miniinit, kernel and syslog are the names of the init's own "
          "logs\n");
    CHECK(loaded.manager.watchdog == std::chrono::seconds(10));
}

TEST_CASE("bare units are services for tests that say so, and faults for everyone else") {
    Source source;
    source.bare_is_service = true;
    Loaded loaded = read_bundle("[units.disk]\n[units.db]\nrequires = ['disk']\n", "test.toml", source);
    CHECK(loaded.problems.empty());
    REQUIRE(names(loaded) == "db disk");
    CHECK(loaded.units[0].fault.empty());
    CHECK(loaded.units[0].service.command == core::Command{"/bin/true"});
    CHECK(read_bundle("[units.disk]\n", "t").problems.size() == 1);
}

TEST_CASE("enable and disable override the file, and disable counts where both are") {
    TestDirectory directory;
    Source source = directory.source();
    directory.write("lib/a.toml", with("enabled = false\n"));
    directory.write("lib/b.toml", with(""));
    auto states = [&] {
        Loaded loaded = load(source);
        return std::string(find(loaded, "a")->enabled ? "A" : "a") + (find(loaded, "b")->enabled ? "B" : "b");
    };
    CHECK(states() == "aB");
    CHECK(set_enabled(source, "a", true) == true);
    CHECK(set_enabled(source, "b", false) == true);
    CHECK(set_enabled(source, "b", false) == false);
    CHECK(states() == "Ab");
    CHECK(set_enabled(source, "a", false) == true);
    CHECK(set_enabled(source, "b", true) == true);
    CHECK(states() == "aB");
    CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(directory.path("etc/enabled/a"))));
    directory.link("x", "etc/disabled/b.toml");
    CHECK(states() == "ab");
    CHECK(load(source).problems.size() == 1);
    CHECK(set_enabled(source, "../a", true).error().code == EINVAL);
}

TEST_CASE("enable works on a root file system that is not running, and never leads out of it") {
    TestDirectory directory;
    Source source;
    source.root = directory.path("root");
    directory.make("root/etc");
    CHECK(set_enabled(source, "a", true) == true);
    CHECK(std::filesystem::is_symlink(directory.path("root/etc/miniinit/enabled/a")));
    directory.make("other");
    directory.link(directory.path("other"), "root/etc/miniinit/disabled");
    CHECK_FALSE(set_enabled(source, "a", false).has_value());
    CHECK(std::filesystem::is_empty(directory.path("other")));
}

TEST_CASE("with a root, absolute links are followed inside it") {
    TestDirectory directory;
    Source source;
    source.owner = ::getuid();
    source.root = directory.path("root");
    directory.write("root/usr/share/a.toml", with("description = \"inside\"\n"));
    directory.link("/usr/share/a.toml", "root/etc/miniinit/a.toml");
    directory.link("/dev/null", "root/usr/lib/miniinit/b.toml");
    Loaded loaded = load(source);
    CHECK(problems(loaded, directory).empty());
    REQUIRE(names(loaded) == "a b");
    CHECK(loaded.units[0].description == "inside");
    CHECK(loaded.units[1].masked);
}

TEST_CASE("the digest changes with what the files say, not with how they say it") {
    TestDirectory directory;
    auto digest_of = [&](std::string_view text) {
        directory.write("etc/a.toml", text);
        return load(directory.source()).units.at(0).digest;
    };
    std::uint64_t first = digest_of("description = \"x\"\n[service]\ncommand = [\"/a\", \"b\"]\nrestart = \"no\"\n");
    CHECK(first == digest_of("description = \"x\" # c\n\n[service]\nrestart = 'no'\ncommand = [\n\"/a\",\n'b' ]\n"));
    CHECK(first != digest_of("description = \"x\"\n[service]\ncommand = [\"/a\", \"c\"]\nrestart = \"no\"\n"));
    CHECK(first != digest_of("description = \"x\"\n[service]\ncommand = [\"/a\", \"b\"]\n"));
    CHECK(first != digest_of("description = \"x\"\n[service]\ncommand = [\"/ab\", \"\"]\nrestart = \"no\"\n"));
    std::uint64_t before = digest_of(plain);
    directory.write("etc/a.toml.d/x.toml", "description = \"dropped in\"\n");
    CHECK(before != digest_of(plain));
}

TEST_CASE("verify reads one file, a unit or a bundle") {
    TestDirectory directory;
    directory.write("web.toml", with(""), 0666);
    directory.write("tty@.toml", "[service]\ncommand = [\"/x\", \"${instance}\"]\n");
    directory.write("all.toml", "[units.a.service]\ncommand = [\"/a\"]\n");
    directory.write("we b.toml", "");
    CHECK(names(read_file({}, directory.path("web.toml"))) == "web");
    CHECK(names(read_file({}, directory.path("tty@.toml"))) == "tty@");
    CHECK(names(read_file({}, directory.path("all.toml"))) == "a");
    CHECK(problems(read_file({}, directory.path("we b.toml")), directory) ==
          "we b.toml: cannot name a unit: a name consists of letters, digits and _ . @ : -\n");
    CHECK(problems(read_file({}, directory.path("none.toml")), directory) == "none.toml: does not exist\n");
}

} // namespace mi::config
