// The verbs that tell how a boot went, of an init that tells of one.
#include "ctl/boot/boot.hpp"
#include "ctl_world.hpp"

#include <algorithm>

using namespace mi;
using namespace mi::test;
using core::Kind;
using core::Phase;
using core::Relation;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
        ++found;
    return found;
}

struct Told {
    std::string name;
    Phase state = Phase::up;
    std::optional<wire::FirstStart> first;
    std::vector<wire::TreeEdge> needs;
    Kind kind = Kind::service;
};

std::string answer(const wire::Request& request, const std::vector<Told>& units, bool reached = true) {
    if (std::holds_alternative<wire::GetOverview>(request)) {
        wire::Overview overview;
        overview.version = "9.9";
        overview.target = "multi-user";
        return reply(overview);
    }
    if (std::holds_alternative<wire::BootTimes>(request)) {
        wire::Times times{.init = 1'000'000, .units_loaded = 1'050'000, .target_reached = {}, .units = {}};
        if (reached)
            times.target_reached = 3'000'000;
        for (const Told& one : units)
            if (one.first)
                times.units.push_back({one.name, one.first->starting.value_or(0), one.first->up, one.first});
        return reply(times);
    }
    if (auto* tree = std::get_if<wire::Tree>(&request)) {
        CHECK(tree->whole);
        CHECK(tree->order);
        wire::Branches branches;
        for (const Told& one : units)
            branches.nodes.push_back({one.name, one.state, one.needs, one.kind});
        return reply(branches);
    }
    wire::Units all;
    for (const Told& one : units) {
        all.units.push_back(unit(one.name, one.state));
        all.units.back().kind = one.kind;
    }
    return reply(all);
}

using First = wire::FirstStart;

// web was ready last: it waited for db, db for net. What else it needs was there long before, or came after.
std::vector<Told> usual() {
    return {{"multi-user",
             Phase::up,
             First{1'050'000, 3'000'000, 3'000'000, {}, Phase::up},
             {{Relation::requirement, "web"}, {Relation::want, "cache"}, {Relation::want, "swap"}},
             Kind::target},
            {"web",
             Phase::up,
             First{1'050'000, 2'850'000, 3'000'000, {}, Phase::up},
             {{Relation::requirement, "db"}, {Relation::want, "fast"}, {Relation::after, "late"}}},
            {"db", Phase::up, First{1'050'000, 1'450'000, 2'850'000, {}, Phase::up}, {{Relation::requirement, "net"}}},
            {"net", Phase::done, First{1'050'000, 1'050'000, 1'450'000, {}, Phase::done}, {}},
            {"fast", Phase::up, First{1'050'000, 1'050'000, 1'062'000, {}, Phase::up}, {}},
            {"cache", Phase::failed, First{1'050'000, 1'050'000, {}, 1'150'000, Phase::failed}, {}},
            {"swap", Phase::skipped, First{1'050'000, 1'050'000, 1'051'000, 1'051'000, Phase::skipped}, {}},
            {"late", Phase::up, First{9'000'000, 9'000'000, 12'000'000, {}, Phase::up}, {}},
            {"never", Phase::down, {}, {}}};
}

FakeInit::Say told(std::vector<Told> units, bool reached = true) {
    return [units = std::move(units), reached](const wire::Request& request, bool) {
        return answer(request, units, reached);
    };
}

} // namespace

TEST_CASE("blame names the services of the boot by how long they took, longest first") {
    FakeInit init(told(usual()));
    const Outcome outcome = init.ctl({"blame"});
    CHECK(outcome.code == 0);
    // No target, nothing that was skipped, nothing that was wanted later.
    CHECK(outcome.out == "    1.400 s  db\n"
                         "    0.400 s  net\n"
                         "    0.150 s  web\n"
                         "    0.100 s  cache (did not come up)\n"
                         "    0.012 s  fast\n");
    CHECK(has(init.ctl({"blame", "--json"}).out,
              R"({"units":[{"unit":"db","took_usec":1400000,"waited_usec":400000,"starting":1450000,"up":2850000,)"));
}

TEST_CASE("the critical chain follows what was waited for last") {
    FakeInit init(told(usual()));
    CHECK(init.ctl({"critical-chain"}).out == "multi-user @2.000 s\n"
                                              "└─ web @1.850 s +0.150 s\n"
                                              "   └─ db @0.450 s +1.400 s\n"
                                              "      └─ net @0.050 s +0.400 s\n");
    CHECK(init.ctl({"critical-chain", "db"}).out == "db @0.450 s +1.400 s\n└─ net @0.050 s +0.400 s\n");
    CHECK(init.ctl({"critical-chain", "never"}).out == "never was not wanted in this boot\n");
    CHECK(has(init.ctl({"critical-chain", "net", "--json"}).out,
              R"({"chain":[{"unit":"net","starting":1050000,"up":1450000,"took_usec":400000,"gap_usec":0,)"));
    const Outcome unknown = init.ctl({"critical-chain", "wbe"});
    CHECK(unknown.code == 4);
    CHECK(has(unknown.err, "did you mean web?"));
}

TEST_CASE("a start that began later than it could have says so") {
    std::vector<Told> units = usual();
    units[1].first->starting = 2'900'000; // db was up at 2.85
    FakeInit init(told(units));
    CHECK(has(init.ctl({"critical-chain", "web"}).out, "web @1.900 s +0.100 s (began 0.050 s after it could have)\n"));
}

TEST_CASE("the critical chain of what is not up leads to what is waited for") {
    std::vector<Told> units = usual();
    units[0].first = First{1'050'000, {}, {}, {}, Phase::down};
    units[1].first = First{1'050'000, {}, {}, {}, Phase::down};
    units[2].first = First{1'050'000, 1'450'000, {}, {}, Phase::starting};
    FakeInit init(told(units, false));
    const std::string text = init.ctl({"critical-chain"}).out;
    CHECK(has(text, "multi-user (is still waiting)\n└─ web (is still waiting)\n   └─ db @0.450 s"));
    CHECK(has(text, "(is still starting)\n      └─ net @0.050 s +0.400 s\n"));
}

TEST_CASE("a dependency on itself over others ends the chain") {
    std::vector<Told> units = usual();
    units[3].needs = {{Relation::after, "fast"}};
    units[4].needs = {{Relation::after, "net"}};
    units[3].first->starting = units[4].first->starting = 2'000'000;
    FakeInit init(told(units));
    CHECK(init.ctl({"critical-chain", "db"}).code == 0);
}

TEST_CASE("graph draws units by their state and edges by their kind") {
    std::vector<Told> units = usual();
    units[4].needs = {{Relation::conflict, "net"}};
    units[3].needs = {{Relation::conflict, "fast"}};
    units[5].name = "a\"b\\c";
    units[0].needs[1].unit = units[5].name;
    FakeInit init(told(units));
    const std::string dot = init.ctl({"graph"}).out;
    CHECK(has(dot, "digraph units {\n"));
    CHECK(has(dot, "\"web\" -> \"db\" [penwidth=1.6];\n"));
    CHECK(has(dot, "\"web\" -> \"fast\" [style=dashed];\n"));
    CHECK(has(dot, "\"web\" -> \"late\" [color=\"#a0a0a0\", arrowhead=open];\n"));
    CHECK(has(dot, "\"multi-user\" -> \"a\\\"b\\\\c\" [style=dashed];\n"));
    CHECK(has(dot, "\"multi-user\" [fillcolor=\"#d3f2dc\", color=\"#2a8a4a\", shape=octagon"));
    CHECK(has(dot, "\"a\\\"b\\\\c\" [fillcolor=\"#fbd5d5\""));
    CHECK(count(dot, "dir=none") == 1); // conflicts are told from both sides
    CHECK_FALSE(has(dot, "\"never\""));
    CHECK(has(init.ctl({"graph", "--all"}).out, "\"never\""));
    CHECK(has(init.ctl({"graph", "--json"}).out, R"({"from":"db","to":"net","relation":"requires"})"));
}

TEST_CASE("graph can show what a unit leads to, what leads to it, and what lies between two") {
    FakeInit init(told(usual()));
    auto nodes = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "graph");
        return count(init.ctl(words).out, "tooltip=");
    };
    CHECK(nodes({"--from", "db"}) == 2);
    CHECK(nodes({"--to", "db"}) == 3);
    CHECK(nodes({"--from", "multi-user", "--to", "net"}) == 4);
    CHECK(init.ctl({"graph", "--from", "nothing-like-it"}).code == 4);
}

TEST_CASE("plot draws a row for each unit that took part, and nothing of it is markup") {
    std::vector<Told> units = usual();
    units[4].name = "a<b>&\"c\"\x01";
    FakeInit init(told(units));
    const Outcome outcome = init.ctl({"plot"});
    CHECK(outcome.code == 0);
    CHECK(outcome.out.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    CHECK(outcome.out.ends_with("</svg>\n"));
    CHECK(count(outcome.out, "<g class=\"r\">") == 2 + 7); // kernel and init besides
    CHECK(has(outcome.out, "a&lt;b&gt;&amp;&quot;c&quot;\xef\xbf\xbd"));
    CHECK(has(outcome.out, "multi-user was reached after 3.000 s: kernel 1.000 s + init 50 ms + units 1.950 s"));
    CHECK(has(outcome.out, "1 more was first wanted after the boot."));
    CHECK(has(outcome.out, "waited for db, which was there at 2.850 s"));
    CHECK(has(outcome.out, "class=\"chain\""));
    CHECK(has(outcome.out, "prefers-color-scheme:dark"));
    CHECK_FALSE(has(outcome.out, "href"));
}

TEST_CASE("where the machine has booted long before, plot begins with the init") {
    FakeInit init([](const wire::Request& request, bool) {
        if (!std::holds_alternative<wire::GetOverview>(request))
            return answer(request, usual(), true);
        wire::Overview overview;
        overview.mode = wire::Mode::user;
        overview.target = "multi-user";
        overview.target_reached = true;
        return reply(overview);
    });
    const Outcome outcome = init.ctl({"plot"});
    CHECK(has(outcome.out, "Start of miniinit on "));
    CHECK(count(outcome.out, "<g class=\"r\">") == 1 + 7);
    CHECK(has(outcome.out, "multi-user was reached after 2.000 s: init 50 ms + units 1.950 s"));
    CHECK_FALSE(has(outcome.out, "kernel 1.000 s"));
}

TEST_CASE("plot --json gives the rows of the chart") {
    FakeInit init(told(usual()));
    const std::string text = init.ctl({"plot", "--json"}).out;
    CHECK(count(text, "\n") == 1);
    CHECK(has(text, R"("over":3000000,"units":[{"unit":"swap",)"));
    CHECK(has(text, R"("outcome":"up"},"waited_for":"db","critical":true})"));
}

TEST_CASE("plot --trace gives each unit's times as events") {
    FakeInit init(told(usual()));
    const std::string text = init.ctl({"plot", "--trace"}).out;
    CHECK(text.starts_with("[\n{"));
    CHECK(text.ends_with("}]\n"));
    CHECK(has(text, R"({"name":"db","ph":"X","pid":1,"tid":)"));
    CHECK(has(text, R"("cat":"starting","ts":1450000,"dur":1400000,)"));
    CHECK(has(text, R"({"name":"kernel","ph":"X","pid":1,"tid":1,"cat":"kernel","ts":0,"dur":1000000,)"));
    CHECK_FALSE(has(text, "late"));
}

TEST_CASE("one that hangs for hours does not make a line of everything else") {
    std::vector<Told> units = usual();
    units[1].first = First{1'050'000, 2'850'000, {}, {}, Phase::starting};
    units[0].first = First{1'050'000, {}, {}, {}, Phase::down};
    units.erase(units.begin() + 7);    // what was wanted much later
    FakeInit init(told(units, false)); // and it is far later now
    const std::string text = init.ctl({"plot"}).out;
    CHECK(has(text, "multi-user is not reached yet"));
    CHECK(has(text, ">5.5 s</text>"));
    CHECK_FALSE(has(text, ">6.0 s</text>"));
}
