#include "ctl_world.hpp"

#include "base/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

using namespace mi;
using namespace mi::test;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string good_unit = "description = \"Shop\"\n[service]\ncommand = [\"/bin/true\"]\n";

} // namespace

TEST_CASE("verify names every problem of a file and exits 1") {
    Directory directory;
    directory.write("web.toml", "description = 5\n[service]\ncomand = [\"/bin/true\"]\n");
    const Outcome outcome = run_ctl({"minictl", "verify", directory.at("web.toml")});
    CHECK(outcome.code == 1);
    CHECK(has(outcome.out, directory.at("web.toml") + ":1:"));
    CHECK(has(outcome.out, directory.at("web.toml") + ":3:"));
    CHECK(has(outcome.out, "command"));
    const Outcome json = run_ctl({"minictl", "verify", "--json", directory.at("web.toml")});
    CHECK(json.code == 1);
    CHECK(has(json.out, R"("severity":"error")"));
    directory.write("good.toml", good_unit);
    CHECK(run_ctl({"minictl", "verify", directory.at("good.toml")}).code == 0);
}

TEST_CASE("verify without a file looks at all units together") {
    Directory directory;
    directory.write("a.toml", "requires = [\"b\"]\n" + good_unit);
    directory.write("b.toml", "requires = [\"a\"]\n" + good_unit);
    const Outcome outcome = run_ctl({"minictl", "verify", "--units", directory.at("")});
    CHECK(outcome.code == 1);
    CHECK(has(outcome.out, "a"));
    CHECK(has(outcome.out, "cycle"));
}

TEST_CASE("verify looks for what the units name on the system that it runs on") {
    struct Row {
        const char* unit;
        const char* said; // behind the name of the file
    };
    const Row rows[] = {
        {"requires = [\"nowhere\"]\n[service]\ncommand = [\"/bin/sh\"]\n",
         ":1:13: error: `requires`: there is no unit nowhere"},
        {"milestones = [\"nowhere\"]\n[service]\ncommand = [\"/bin/sh\"]\n",
         ":1:15: error: `milestones`: there is no unit nowhere"},
        {"wants = [\"nowhere\"]\n[service]\ncommand = [\"/bin/sh\"]\n",
         ":1:10: warning: `wants`: there is no unit nowhere"},
        {"[service]\ncommand = [\"/usr/bin/none\"]\n", ":2:12: error: there is no program /usr/bin/none"},
        {"[service]\ncommand = \"none-such x\"\n", ":2:11: error: there is no program none-such in /usr/local/sbin"},
        {"[service]\ncommand = [\"/bin/sh\"]\npre-start = [\"/usr/bin/none\"]\n",
         ":3:14: error: there is no program /usr/bin/none"},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\nuser = \"none-such\"\n",
         ":4:8: error: there is no user \"none-such\""},
        {"[service]\ncommand = [\"/bin/sh\"]\n[process]\ngroup = \"none-such\"\n",
         ":4:9: error: there is no group \"none-such\""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.unit);
        Directory directory;
        directory.write("web.toml", row.unit);
        const std::string path = directory.at("web.toml");
        const bool warned = has(row.said, "warning");
        for (const std::vector<std::string>& words :
             {std::vector<std::string>{"minictl", "verify", "--units", directory.at("")},
              {"minictl", "verify", "--units", directory.at(""), "web"},
              {"minictl", "verify", "--units", directory.at("."), "web"}}) {
            const Outcome outcome = run_ctl(words);
            CHECK(has(outcome.out, std::string("web.toml") + row.said));
            CHECK(outcome.code == (warned ? 0 : 1));
        }
        // A file that lies elsewhere may be meant for another system.
        const Outcome file = run_ctl({"minictl", "verify", path});
        std::string said = row.said;
        if (const std::size_t at = said.find("error"); at != said.npos)
            said.replace(at, 5, "warning");
        CHECK(has(file.out, path + said));
        CHECK(file.code == 0);
    }
}

TEST_CASE("verify knows the units that stand together, and instances by their template") {
    Directory directory;
    directory.write("units/web.toml", "requires = [\"db@1\", \"cache\"]\n" + good_unit);
    directory.write("units/db@.toml", good_unit);
    directory.write("miniinit.toml", "[units.cache.service]\ncommand = [\"/bin/true\"]\n[units.front]\n"
                                     "requires = [\"cache\"]\n[units.front.service]\ncommand = [\"/bin/true\"]\n");
    const Outcome together = run_ctl({"minictl", "verify", directory.at("units/web.toml"),
                                      directory.at("units/db@.toml"), directory.at("miniinit.toml")});
    CHECK(together.out == "");
    CHECK(together.code == 0);
    CHECK(run_ctl({"minictl", "verify", "--units", directory.at("units"), "--config", directory.at("miniinit.toml")})
              .code == 0);
}

TEST_CASE("a name that no unit can have is refused by every verb that reads unit files") {
    Directory directory;
    directory.write("t@.toml", good_unit);
    for (const char* verb : {"show", "cat", "edit", "enable", "disable", "mask", "unmask"})
        for (const char* name : {"t@a b", "t@../x", "../t", "-x", ".hidden"}) {
            CAPTURE(verb);
            CAPTURE(name);
            const Outcome outcome = run_ctl({"minictl", verb, "--units", directory.at(""), "--", name});
            CHECK(outcome.code == 2);
            CHECK(has(outcome.err, "is no name of a unit: a name c"));
            CHECK(outcome.out == "");
        }
    CHECK(run_ctl({"minictl", "cat", "t@", "--units", directory.at("")}).code == 0);
    CHECK(run_ctl({"minictl", "show", "t@a", "--units", directory.at("")}).code == 0);
}

TEST_CASE("show tells each setting and its place, cat the files") {
    Directory directory;
    directory.write("web.toml", good_unit);
    directory.write("web.toml.d/more.toml", "[service]\nrestart = \"always\"\n");
    const std::string units = directory.at("");
    const Outcome show = run_ctl({"minictl", "show", "web", "--units", units});
    CHECK(show.code == 0);
    CHECK(has(show.out, "service.restart"));
    CHECK(has(show.out, "more.toml:2"));
    CHECK(has(run_ctl({"minictl", "show", "web", "--units", units, "--json"}).out,
              R"({"unit":"web","settings":[{"key":)"));
    const Outcome cat = run_ctl({"minictl", "cat", "web", "--units", units});
    CHECK(cat.code == 0);
    CHECK(has(cat.out, "web.toml\n" + good_unit));
    CHECK(has(cat.out, "more.toml\n[service]\n"));
    CHECK(run_ctl({"minictl", "cat", "wob", "--units", units}).code == 4);
    CHECK(run_ctl({"minictl", "show", "wob", "--units", units}).code == 4);
}

TEST_CASE("enable and disable work on a foreign root, without an init") {
    Directory root;
    root.write("usr/lib/miniinit/web.toml", good_unit);
    std::filesystem::create_directories(root.at("etc/miniinit"));
    const Outcome outcome = run_ctl({"minictl", "disable", "web", "--root", root.at("")});
    CHECK(outcome.code == 0);
    CHECK(outcome.out == "web is now disabled\n");
    CHECK(std::filesystem::is_symlink(root.at("etc/miniinit/disabled/web")));
    CHECK(run_ctl({"minictl", "disable", "web", "--root", root.at("")}).out == "web was already disabled\n");
    CHECK(run_ctl({"minictl", "enable", "web", "--root", root.at(""), "--json"}).out ==
          "{\"units\":[{\"unit\":\"web\",\"enabled\":true,\"changed\":true}]}\n");
    CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(root.at("etc/miniinit/disabled/web"))));
    CHECK(run_ctl({"minictl", "enable", "wob", "--root", root.at("")}).code == 4);
    CHECK(run_ctl({"minictl", "enable", "../x", "--root", root.at("")}).code == 2);
}

TEST_CASE("enable tells the running init, where it reads the same files") {
    FakeInit init([](const wire::Request&, bool) { return reply(wire::Changes{}); });
    init.directory.write("config/miniinit/web.toml", good_unit);
    const Outcome outcome = init.ctl({"--user", "disable", "web"}, [&] {
        ::setenv("XDG_CONFIG_HOME", init.directory.at("config").c_str(), 1);
        ::setenv("XDG_RUNTIME_DIR", init.directory.at("run").c_str(), 1);
    });
    CHECK(outcome.err == "");
    CHECK(outcome.code == 0);
    CHECK(init.asked == std::vector<std::string>{"Overview", "ReloadUnits", "Status"});
}

TEST_CASE("unit files are read where the init that answers reads them") {
    core::Phase state = core::Phase::up;
    wire::Overview overview;
    wire::Dependencies dependencies{.wanted_by = {"multi-user"}};
    FakeInit init([&](const wire::Request& request, bool) {
        if (std::holds_alternative<wire::GetOverview>(request))
            return reply(overview);
        if (auto* status = std::get_if<wire::Status>(&request)) {
            wire::UnitStatus told = unit(status->units[0], state);
            told.dependencies = dependencies;
            return reply(wire::Units{{told}});
        }
        return reply(wire::Changes{});
    });
    init.directory.write("units/web.toml", good_unit);
    init.directory.write("init.toml", "[units.cache.service]\ncommand = [\"/bin/true\"]\n");
    overview.config = init.directory.at("init.toml");
    overview.unit_directories = {init.directory.at("units")};
    CHECK(has(init.ctl({"show", "web"}).out, "units/web.toml:1"));
    CHECK(has(init.ctl({"cat", "cache"}).out, "[units.cache.service]"));
    CHECK(init.ctl({"verify", "web", "cache"}).code == 0);
    CHECK(init.ctl({"verify"}).code == 0);

    const std::string looked = "(looked in " + init.directory.at("init.toml") + ", " + init.directory.at("units") + ")";
    for (const char* verb : {"show", "cat", "enable", "disable", "verify"}) {
        const Outcome missing = init.ctl({verb, "wob"});
        CHECK_MESSAGE(missing.code == 4, verb);
        CHECK_MESSAGE(has(missing.err, "there is no unit wob " + looked), verb);
    }
    // What was asked for by hand goes before that.
    CHECK(has(init.ctl({"show", "web", "--units", "/nowhere"}).err, "/nowhere)"));

    CHECK(init.ctl({"disable", "web"}).out ==
          "web is now disabled; it runs on (`minictl --control " + init.path() + " stop web` ends it)\n");
    CHECK(std::filesystem::is_symlink(init.directory.at("units/disabled/web")));
    state = core::Phase::down;
    CHECK(init.ctl({"disable", "web"}).out == "web was already disabled\n");
    CHECK(init.ctl({"enable", "web"}).out ==
          "web is now enabled; `minictl --control " + init.path() + " start web` starts it now\n");
    // Of one that nothing wants it is no use.
    dependencies = {};
    CHECK(has(init.ctl({"enable", "web"}).out, "web was already enabled"));
    CHECK(has(init.ctl({"enable", "web"}).out,
              "\nbut nothing starts it at boot: it has no wanted-by (`minictl --control "));
    init.directory.write("units/web.toml", "wanted-by = [\"multi-user\"]\n" + good_unit);
    CHECK_FALSE(has(init.ctl({"enable", "web"}).out, "nothing starts it"));
}

TEST_CASE("logs of a service that writes elsewhere say where") {
    const std::string name = "miniinit-test-" + std::to_string(::getpid());
    const std::string path = "/var/log/" + name + ".log";
    const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!file)
        return; // only root can
    bool known = false;
    FakeInit init([&](const wire::Request&, bool) {
        return reply(wire::Units{{unit(known ? "web" : name, core::Phase::up, known ? ::getpid() : 0)}});
    });
    const std::string directory = init.directory.at("none");
    CHECK(has(init.ctl({"logs", name}).err, "it has written nothing here; see " + path)); // by its name
    known = true;
    CHECK(has(init.ctl({"logs", "web"}).err, path)); // by its open files
    ::unlink(path.c_str());
}

TEST_CASE("an init that is named and does not answer is not taken for another") {
    const Outcome outcome = run_ctl({"minictl", "show", "web", "--control", "/nowhere/control"});
    CHECK(outcome.code == 1);
    CHECK(has(outcome.err, "no init is listening at /nowhere/control"));
}
