// What runs at the start without being asked for: in a container, or of a user's manager.
#include "daemon/units/first_wanted.hpp"

#include "config/load.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace mi;
using namespace mi::daemon;

namespace {

const std::string services = "[units.web.service]\ncommand = ['true']\n"
                             "[units.off]\nenabled = false\n[units.off.service]\ncommand = ['true']\n"
                             "[units.broken.service]\ncomand = ['true']\n";
const std::string shipped =
    "[units.base.target]\n[units.normal]\nrequires = ['base']\n[units.normal.target]\naliases = ['default']\n";

// The units of a bundle, and those of a directory, as if all of the latter had a file there.
core::Graph graph_of(const std::string& bundle, const std::string& others, const std::string& directory) {
    std::vector<core::Unit> units = config::read_bundle(bundle, "/etc/miniinit.toml").units;
    for (core::Unit& unit : config::read_bundle(others, "x.toml").units) {
        unit.source = directory + "/" + unit.name + ".toml";
        unit.in_bundle = false;
        units.push_back(std::move(unit));
    }
    return core::Graph(std::move(units));
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("without a target all that is enabled is wanted, wherever it stands") {
    const core::Graph graph = graph_of(services, "[units.cron.service]\ncommand = ['true']\n", "/etc/miniinit");
    Names wanted = first_wanted(graph, "default");
    std::ranges::sort(wanted);
    CHECK(wanted == Names{"cron", "web"});
}

TEST_CASE("with the target that is shipped, what the one file of a container has is wanted besides") {
    CHECK(first_wanted(graph_of(services, shipped, "/usr/lib/miniinit"), "default") == Names{"web"});
}

TEST_CASE("a target that somebody has written says all that is to run") {
    CHECK(first_wanted(graph_of(services, shipped, "/etc/miniinit"), "default").empty());
    CHECK(first_wanted(graph_of(services + shipped, "", ""), "default").empty());
}
