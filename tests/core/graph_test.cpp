// Names, edges, cycles: what the graph makes of units.
#include "core/cycles.hpp"
#include "world.hpp"

#include <random>

using namespace mi;
using namespace mi::core;

namespace {

Graph graph_of(std::string_view toml) { return Graph(units_of(toml)); }

std::string problems(const Graph& graph) {
    std::string lines;
    for (const std::string& line : graph.problems())
        lines += (lines.empty() ? "" : "\n") + line;
    return lines;
}

// Every unit after all it depends on.
bool ordered(const Graph& graph) {
    std::vector<std::size_t> place(graph.size());
    if (graph.order().size() != graph.size())
        return false;
    for (std::size_t i = 0; i < graph.order().size(); ++i)
        place[graph.order()[i]] = i;
    for (UnitId id = 0; id < graph.size(); ++id)
        for (const Edge& edge : graph.needs(id))
            if (place[edge.unit] >= place[id])
                return false;
    return true;
}

} // namespace

TEST_CASE("edges are known from both ends, once each") {
    Graph graph = graph_of(
        "[units.a]\nrequires = ['b']\nafter = ['b']\nwants = ['c']\n[units.b]\nrequired-by = ['a']\nbefore = ['a']\n"
        "[units.c]\n");
    UnitId a = graph.find("a"), b = graph.find("b"), c = graph.find("c");
    CHECK(graph.needs(a).size() == 3);
    CHECK(graph.needs(b).empty());
    REQUIRE(graph.needed_by(b).size() == 2);
    CHECK(graph.needed_by(b)[0] == Edge{a, Relation::requirement});
    CHECK(graph.needed_by(b)[1] == Edge{a, Relation::after});
    CHECK(graph.needed_by(c).size() == 1);
    CHECK(ordered(graph));
    CHECK(graph.problems().empty());
}

TEST_CASE("a conflict holds for both, whoever said it") {
    Graph graph = graph_of("[units.a]\nconflicts = ['b', 'ghost']\n[units.b]\nconflicts = ['a']\n");
    CHECK(graph.conflicts(graph.find("a")).size() == 1);
    CHECK(graph.conflicts(graph.find("b")).size() == 1);
}

TEST_CASE("what is required and missing is there as an invalid unit, what is only wanted is not") {
    Graph graph =
        graph_of("[units.a]\nrequires = ['x']\nmilestones = ['y']\nwants = ['z']\nafter = ['z']\non-failure = ['z']\n");
    CHECK(graph.size() == 3);
    CHECK(graph.unit(graph.find("x")).fault == "there is no unit of that name");
    CHECK(graph.find("y") != no_unit);
    CHECK(graph.find("z") == no_unit);
}

TEST_CASE("a cycle of hard edges is spelled out and makes its units invalid, and only those") {
    Graph graph = graph_of("[units.a]\nrequires = ['b']\n[units.b]\nrequires = ['c']\n[units.c]\nrequires = ['a']\n"
                           "[units.d]\nrequires = ['a']\n[units.e]\n");
    CHECK(problems(graph) == "dependency cycle: a -> b -> c -> a; none of its units can be started");
    for (const char* unit : {"a", "b", "c"})
        CHECK(graph.unit(graph.find(unit)).fault == "dependency cycle: a -> b -> c -> a");
    CHECK(graph.unit(graph.find("d")).fault.empty());
    CHECK(graph.unit(graph.find("e")).fault.empty());
    CHECK(ordered(graph));
}

TEST_CASE("a cycle is broken at an order-only edge if it has one, else at a want") {
    SUBCASE("after") {
        Graph graph = graph_of("[units.a]\nrequires = ['b']\n[units.b]\nwants = ['c']\n[units.c]\nafter = ['a']\n");
        CHECK(problems(graph) == "dependency cycle: a -> b -> c -> a; broken by ignoring that c comes after a");
        CHECK(graph.needs(graph.find("c")).empty());
        CHECK(graph.needs(graph.find("b")).size() == 1);
        CHECK(ordered(graph));
    }
    SUBCASE("before, said from the other side") {
        Graph graph = graph_of("[units.a]\nrequires = ['b']\nbefore = ['c']\n[units.b]\nrequires = ['c']\n[units.c]\n");
        CHECK(problems(graph) == "dependency cycle: a -> b -> c -> a; broken by ignoring that c comes after a");
        CHECK(graph.needs(graph.find("a")).size() == 1);
    }
    SUBCASE("want") {
        Graph graph = graph_of("[units.a]\nrequires = ['b']\n[units.b]\nwants = ['a']\n");
        CHECK(problems(graph) == "dependency cycle: a -> b -> a; broken by ignoring that b wants a");
        CHECK(graph.unit(graph.find("a")).fault.empty());
        CHECK(ordered(graph));
    }
}

TEST_CASE("the units of a broken cycle start") {
    World world("[units.a]\nrequires = ['b']\n[units.b]\nwants = ['a']\n");
    world.ask("a");
    CHECK(world.running() == "b");
    world.ready("b");
    CHECK(world.running() == "b a");
}

TEST_CASE("two cycles through one unit are both reported") {
    Graph graph = graph_of("[units.a]\nafter = ['b', 'c']\n[units.b]\nafter = ['a']\n[units.c]\nafter = ['a']\n");
    CHECK(graph.problems().size() == 2);
    CHECK(ordered(graph));
}

TEST_CASE("a unit that depends on itself is invalid where it has to, and says so") {
    auto itself = [](Relation relation) {
        std::vector<Unit> units(1);
        units[0].name = "a";
        units[0].dependencies.push_back({relation, "a"});
        return Graph(std::move(units));
    };
    for (Relation relation : {Relation::requirement, Relation::milestone})
        CHECK(itself(relation).unit(0).fault == "it depends on itself");
    for (Relation relation :
         {Relation::want, Relation::after, Relation::before, Relation::wanted_by, Relation::conflict}) {
        Graph graph = itself(relation);
        CHECK(graph.unit(0).fault.empty());
        CHECK(graph.needs(0).empty());
        CHECK(problems(graph) == "a depends on itself");
    }
}

TEST_CASE("thousands of cycles at once are all broken, in bounded work") {
    constexpr std::size_t count = 3000;
    std::vector<Unit> units(count);
    for (std::size_t i = 0; i < count; ++i) {
        units[i].name = "u" + std::to_string(i);
        units[i].dependencies.push_back({Relation::requirement, "u" + std::to_string((i + 1) % count)});
        if (i + 1 == count)
            units[i].dependencies.back().relation = Relation::after;
        units[i].dependencies.push_back({Relation::after, "u" + std::to_string(i / 2)});
    }
    Graph graph(std::move(units));
    CHECK(ordered(graph));
    for (UnitId id = 0; id < count; ++id)
        CHECK(graph.unit(id).fault.empty());
}

TEST_CASE("random graphs are always put in order, and only what lies on a hard cycle is lost") {
    std::mt19937 random(1);
    for (int round = 0; round < 300; ++round) {
        std::size_t count = 2 + random() % 30;
        std::vector<Unit> units(count);
        for (std::size_t i = 0; i < count; ++i) {
            units[i].name = "u" + std::to_string(i);
            for (std::size_t n = random() % 4; n > 0; --n)
                units[i].dependencies.push_back({std::array{Relation::requirement, Relation::want, Relation::milestone,
                                                            Relation::after, Relation::before}[random() % 5],
                                                 "u" + std::to_string(random() % count)});
        }
        // Which units reach themselves by hard edges alone, found another way.
        std::vector<std::vector<char>> reach(count, std::vector<char>(count));
        for (std::size_t i = 0; i < count; ++i)
            for (const Dependency& dependency : units[i].dependencies)
                if (dependency.relation == Relation::requirement || dependency.relation == Relation::milestone)
                    reach[i][static_cast<std::size_t>(std::stoi(dependency.unit.substr(1)))] = 1;
        for (std::size_t k = 0; k < count; ++k)
            for (std::size_t i = 0; i < count; ++i)
                for (std::size_t j = 0; j < count; ++j)
                    reach[i][j] = static_cast<char>(reach[i][j] | (reach[i][k] & reach[k][j]));
        Graph graph(std::move(units));
        CAPTURE(round);
        CHECK(ordered(graph));
        for (UnitId id = 0; id < count; ++id)
            if (!graph.unit(id).fault.empty())
                CHECK(reach[id][id]);
    }
}

TEST_CASE("two units of one name: the first is used, the second is not run") {
    std::vector<Unit> units(3);
    units[0].name = units[1].name = "a";
    units[0].service.command = {"/first"};
    units[1].service.command = {"/second"};
    units[1].dependencies.push_back({Relation::wanted_by, "t"});
    units[2].name = "t";
    units[2].kind = Kind::target;
    World world(std::move(units));
    CHECK(problems(world.engine().graph()) == "two units are called a; the first is used");
    world.ask("t");
    world.ask("a");
    CHECK(world.running() == "a");
}

TEST_CASE("an alias that is another unit's name or alias is reported, and stays with that one") {
    Graph graph = graph_of("[units.a]\ntarget.aliases = ['b', 'x']\n[units.b]\n[units.c]\ntarget.aliases = ['x']\n");
    CHECK(graph.find("b") != graph.find("a"));
    CHECK(graph.find("x") == graph.find("a"));
    CHECK(problems(graph) == "a has the alias b, which is already b\nc has the alias x, which is already a");
}
