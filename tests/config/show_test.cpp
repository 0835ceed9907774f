// What `minictl show` and `cat` print.
#include "config/load.hpp"
#include "directory.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <doctest/doctest.h>

namespace mi::config {

namespace {

// "VALUE from PLACE" of one key.
std::string setting(const std::vector<Setting>& settings, std::string_view key, const TestDirectory& directory) {
    for (const Setting& each : settings)
        if (each.key == key) {
            std::string place = each.place, root = directory.path("");
            if (place.starts_with(root))
                place.erase(0, root.size());
            return each.value + " from " + place;
        }
    return "none";
}

} // namespace

TEST_CASE("each setting is shown with the line it comes from, and defaults as such") {
    TestDirectory directory;
    directory.write("lib/a@.toml",
                    "description = \"for ${instance}\"\nwants = [\"x\"]\n[service]\ncommand = [\"/a\", 'b\"c']\n"
                    "[[listen]]\nstream = \"*:80\"\n[process]\nenvironment = { A = \"1\" }\n");
    directory.write("etc/a@.toml.d/x.toml", "\n\n[service]\nrestart = \"no\"\n");
    directory.link("x", "etc/disabled/a@1");
    auto settings = resolve(directory.source(), "a@1");
    REQUIRE(settings);
    CHECK(setting(*settings, "description", directory) == "\"for 1\" from lib/a@.toml:1");
    CHECK(setting(*settings, "wants", directory) == "[\"x\"] from lib/a@.toml:2");
    CHECK(setting(*settings, "enabled", directory) == "false from etc/disabled/a@1");
    CHECK(setting(*settings, "service.command", directory) == "[\"/a\", \"b\\\"c\"] from lib/a@.toml:4");
    CHECK(setting(*settings, "service.restart", directory) == "\"no\" from etc/a@.toml.d/x.toml:4");
    CHECK(setting(*settings, "service.stop-timeout", directory) == "\"10s\" from default");
    CHECK(setting(*settings, "process.environment", directory) == "{ A = \"1\" } from lib/a@.toml:8");
    CHECK(setting(*settings, "listen[0].stream", directory) == "\"*:80\" from lib/a@.toml:6");
    CHECK(setting(*settings, "cgroup.delegate", directory) == "none");
    CHECK(resolve(directory.source(), "b").error().code == ENOENT);
}

TEST_CASE("cat gives the files of a unit as they are, and of a bundle its part") {
    TestDirectory directory;
    directory.write("miniinit.toml",
                    "[manager]\nlanguage = \"C\"\n[units.a]\nwants = [\"b\"]\n[units.a.service]\nscript = \"\"\"\n"
                    "[ -f /x ]\n[units.b]\n\"\"\"\n[units.b.target]\n");
    directory.write("etc/a.toml.d/x.toml", "description = \"x\"\n");
    directory.write("lib/c.toml", "[target]\n");
    auto files = cat(directory.source(), "a");
    REQUIRE(files);
    REQUIRE(files->size() == 2);
    CHECK((*files)[0].path == directory.path("miniinit.toml"));
    CHECK((*files)[0].text ==
          "[units.a]\nwants = [\"b\"]\n[units.a.service]\nscript = \"\"\"\n[ -f /x ]\n[units.b]\n\"\"\"\n");
    CHECK((*files)[1].path == directory.path("etc/a.toml.d/x.toml"));
    CHECK((*files)[1].text == "description = \"x\"\n");
    auto one = cat(directory.source(), "c");
    REQUIRE(one);
    REQUIRE(one->size() == 1);
    CHECK((*one)[0].path == directory.path("lib/c.toml"));
    CHECK((*one)[0].text == "[target]\n");
    CHECK(cat(directory.source(), "d").error().code == ENOENT);
}

TEST_CASE("cat tells who may read each file, by its mode and by that of its directory") {
    TestDirectory directory;
    directory.write("miniinit.toml", "[units.a.target]\n");
    directory.write("etc/a.toml.d/x.toml", "description = \"x\"\n");
    directory.write("etc/b.toml", "[target]\n");
    ::chmod(directory.path("miniinit.toml").c_str(), 0600);
    ::chmod(directory.path("etc/b.toml").c_str(), 0640);
    ::chmod(directory.path("etc/a.toml.d").c_str(), 0700);
    auto a = cat(directory.source(), "a"), b = cat(directory.source(), "b");
    REQUIRE(a);
    REQUIRE(a->size() == 2);
    CHECK((*a)[0].rights.mode == 0600);
    CHECK((*a)[1].rights.mode == 0600);
    REQUIRE(b);
    CHECK((*b)[0].rights == Rights{0640, ::getegid()});
}

TEST_CASE("rights of several files are those that all of them give") {
    Rights rights;
    CHECK(rights.mode == 0644);
    rights.limit({0640, 4});
    CHECK(rights == Rights{0640, 4});
    rights.limit({0664, 4});
    CHECK(rights == Rights{0640, 4});
    rights.limit({0640, 5});
    CHECK(rights.mode == 0600);
}

} // namespace mi::config
