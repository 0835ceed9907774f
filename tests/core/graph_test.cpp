// Names, edges, cycles: what the graph makes of units.
#include "core/cycles.hpp"
#include "world.hpp"

#include <algorithm>
#include <random>
#include <set>

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

// The dependencies of `units`, called u0 and so on, as edges.
void each_edge(const std::vector<Unit>& units, auto&& visit) {
    auto number = [](const std::string& name) { return static_cast<std::size_t>(std::stoi(name.substr(1))); };
    for (std::size_t i = 0; i < units.size(); ++i)
        for (const Dependency& dependency : units[i].dependencies)
            if (dependency.relation == Relation::before)
                visit(number(dependency.unit), i, Relation::after);
            else
                visit(i, number(dependency.unit), dependency.relation);
}

// What can be reached from where by edges of some kinds: Warshall's algorithm. A unit that depends on itself counts only where
// that makes it fail.
class Reach {
public:
    Reach(const std::vector<Unit>& units, const std::set<Relation>& kinds)
        : reach_(units.size(), std::vector<char>(units.size())) {
        each_edge(units, [&](std::size_t from, std::size_t to, Relation relation) {
            const bool hard = relation == Relation::requirement || relation == Relation::milestone;
            if (kinds.contains(relation) && (from != to || hard))
                reach_[from][to] = 1;
        });
        for (std::size_t k = 0; k < units.size(); ++k)
            for (std::size_t i = 0; i < units.size(); ++i)
                for (std::size_t j = 0; j < units.size(); ++j)
                    reach_[i][j] = static_cast<char>(reach_[i][j] | (reach_[i][k] & reach_[k][j]));
    }
    bool operator()(std::size_t from, std::size_t to) const { return reach_[from][to] != 0; }

private:
    std::vector<std::vector<char>> reach_;
};

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

TEST_CASE("cycles that share units are one report, with every edge that is ignored") {
    Graph graph = graph_of("[units.a]\nafter = ['b', 'c']\n[units.b]\nafter = ['a']\n[units.c]\nafter = ['a']\n");
    CHECK(problems(graph) == "dependency cycle: a -> b -> a (and more, among 3 units); broken by ignoring that a comes "
                             "after b, that a comes after c");
    CHECK(ordered(graph));
    CHECK(graph.needs(graph.find("b")).size() == 1);
}

TEST_CASE("a want is kept where ignoring an order is enough, whatever else is there") {
    // Both cycles go through the want; each has an order of its own.
    Graph graph = graph_of("[units.a]\nwants = ['b']\n[units.b]\nrequires = ['c', 'd']\n[units.c]\nafter = ['a']\n"
                           "[units.d]\nafter = ['a']\n");
    CHECK(graph.needs(graph.find("a")).size() == 1);
    CHECK(graph.needs(graph.find("b")).size() == 2);
    CHECK(graph.problems().size() == 1);
    CHECK(ordered(graph));
}

TEST_CASE("all units that require one another fail, those beside the path that is named, too") {
    Graph graph = graph_of("[units.a]\nrequires = ['b', 'c']\n[units.b]\nrequires = ['a', 'c']\n"
                           "[units.c]\nrequires = ['a', 'b']\n[units.d]\nwants = ['a']\n");
    CHECK(problems(graph) ==
          "dependency cycle: a -> b -> a (and more, among 3 units); none of its units can be started");
    for (const char* unit : {"a", "b", "c"})
        CHECK(graph.unit(graph.find(unit)).fault == "dependency cycle: a -> b -> a");
    CHECK(graph.unit(graph.find("d")).fault.empty());
}

TEST_CASE("1,500 units that all depend on one another cost work by the number of their edges") {
    constexpr UnitId count = 1500;
    Relation relation = Relation::requirement;
    SUBCASE("by requirements") {}
    SUBCASE("by wants") { relation = Relation::want; }
    SUBCASE("by order") { relation = Relation::after; }
    std::vector<Edge> others;
    for (UnitId id = 0; id < count; ++id)
        others.push_back({id, relation});
    std::vector<std::vector<Edge>> edges(count, others);
    for (UnitId id = 0; id < count; ++id)
        edges[id].erase(edges[id].begin() + id);
    std::size_t looks = 0;
    const CycleReport report = break_cycles(count, [&](UnitId id) {
        ++looks;
        return std::span<const Edge>(edges[id]);
    });
    CHECK(looks <= 6 * (count * (count - 1) + count));
    REQUIRE(report.cycles.size() == 1);
    CHECK(report.cycles[0].path == std::vector<UnitId>{0, 1});
    CHECK(report.cycles[0].units.size() == count);
    CHECK(report.cycles[0].broken.size() == (relation == Relation::requirement ? 0 : count * (count - 1) / 2));
    CHECK(report.order.size() == count);
}

TEST_CASE("a ring of 5,000 units is one report that names them all, and their faults are short") {
    constexpr std::size_t count = 5000;
    std::vector<Unit> units(count);
    for (std::size_t i = 0; i < count; ++i) {
        units[i].name = "u" + std::to_string(i);
        units[i].dependencies.push_back({Relation::requirement, "u" + std::to_string((i + 1) % count)});
    }
    Graph graph(std::move(units));
    REQUIRE(graph.problems().size() == 1);
    CHECK(graph.problems()[0].starts_with("dependency cycle: u0 -> u1 -> u2 -> "));
    CHECK(graph.problems()[0].ends_with(" -> u4999 -> u0; none of its units can be started"));
    for (UnitId id = 0; id < count; ++id)
        CHECK(graph.unit(id).fault == "dependency cycle: it is one of 5000 units that require one another, such as u0");
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
        // Which units reach which: by hard edges alone, by all but order, and by any. Found another way.
        const Reach hard(units, {Relation::requirement, Relation::milestone});
        const Reach firm(units, {Relation::requirement, Relation::milestone, Relation::want});
        const Reach any(units, {Relation::requirement, Relation::milestone, Relation::want, Relation::after});
        std::set<std::tuple<std::size_t, std::size_t, Relation>> given;
        each_edge(units, [&](std::size_t from, std::size_t to, Relation relation) {
            if (from != to)
                given.emplace(from, to, relation);
        });
        Graph graph(std::move(units));
        CAPTURE(round);
        CHECK(ordered(graph));
        for (UnitId id = 0; id < count; ++id)
            CHECK(graph.unit(id).fault.empty() != hard(id, id));
        for (const auto& [from, to, relation] : given) {
            const auto left = graph.needs(static_cast<UnitId>(from));
            const bool kept = std::ranges::find(left, Edge{static_cast<UnitId>(to), relation}) != left.end();
            if (hard(from, from))
                CHECK_FALSE(kept); // its unit has failed
            else if (relation == Relation::after)
                CHECK((kept || any(to, from)));
            else
                CHECK((kept || (relation == Relation::want && firm(to, from))));
        }
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

// --- ids ----------------------------------------------------------------------------------------------------------------

TEST_CASE("a unit keeps its id when others come and go, and when it comes back itself") {
    Graph graph = graph_of("[units.a]\n[units.b]\n[units.c]\n");
    const UnitId a = graph.find("a"), b = graph.find("b"), c = graph.find("c");
    graph = std::move(graph).with(units_of("[units.new]\n[units.c]\n[units.a]\n"), [](UnitId) { return false; });
    CHECK(graph.find("a") == a);
    CHECK(graph.find("c") == c);
    CHECK(graph.find("b") == no_unit);
    CHECK_FALSE(graph.contains(b));
    CHECK(graph.name(b) == "b");
    CHECK(graph.find("new") != b);
    CHECK(graph.count() == 3);
    graph = std::move(graph).with(units_of("[units.b]\n"), [](UnitId) { return true; });
    CHECK(graph.find("b") == b);
    CHECK(graph.count() == 4);
}

TEST_CASE("a unit that is only named has the id that the unit of that name gets") {
    Graph graph = graph_of("[units.a]\nrequires = ['b']\n");
    const UnitId b = graph.find("b");
    REQUIRE(is_phantom(graph.unit(b)));
    graph = std::move(graph).with(units_of("[units.b]\n"), [](UnitId) { return true; });
    CHECK(graph.find("b") == b);
    CHECK_FALSE(is_phantom(graph.unit(b)));
}

TEST_CASE("the name of a hole may be another unit's alias") {
    Graph graph = graph_of("[units.a]\n[units.b]\n");
    const UnitId b = graph.find("b");
    graph = std::move(graph).with(units_of("[units.t]\ntarget.aliases = ['b']\n"), [](UnitId) { return true; });
    CHECK(graph.find("b") == b); // the unit of that name comes first
    graph = std::move(graph).with({}, [b](UnitId id) { return id != b; });
    CHECK(graph.find("b") == graph.find("t"));
}

TEST_CASE("a million transient units leave no million holes") {
    Graph graph = graph_of("[units.a]\n");
    for (std::size_t i = 0; i < 3 * Graph::most_holes; ++i) {
        Unit unit;
        unit.name = "run-" + std::to_string(i);
        std::vector<Unit> fresh;
        fresh.push_back(std::move(unit));
        graph = std::move(graph).with(std::move(fresh), [](UnitId id) { return id == 0; });
    }
    CHECK(graph.count() == 2);
    CHECK(graph.size() <= Graph::most_holes + 3);
    CHECK(graph.find("a") == 0);
}

TEST_CASE("ids of the program before this one are kept, and what lies between them is used") {
    Graph graph(units_of("[units.a]\n[units.b]\n[units.c]\n"), {{3, "b"}, {1, "gone"}});
    CHECK(graph.find("b") == 3);
    CHECK(graph.find("a") == 0);
    CHECK(graph.find("c") == 2);
    CHECK(graph.name(1) == "gone");
    CHECK(graph.size() == 4);
}
