// The course of the boot as text: the units that took long, the chain of waiting, and the units as a graph for other
// programs to draw. Text in, text out. For the chart see plot.hpp.
#pragma once

#include "ctl/boot/boot.hpp"
#include "ctl/text/terminal.hpp"

namespace mi::ctl {

// ---- the output of `--json`
// ---------------------------------------------------------------------------------------------

// Microseconds; `starting` and `up` since boot.
struct BlameUnit {
    std::string unit;
    std::int64_t took_usec = 0, waited_usec = 0, starting = 0;
    std::optional<std::int64_t> up;
    core::Phase outcome = core::Phase::down;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("took_usec", self.took_usec);
        visit("waited_usec", self.waited_usec);
        visit("starting", self.starting);
        visit("up", self.up);
        visit("outcome", self.outcome);
    }
};
struct Blame {
    std::vector<BlameUnit> units;
    static void fields(auto& self, auto&& visit) { visit("units", self.units); }
};
struct ChainUnit {
    std::string unit;
    std::optional<std::int64_t> starting, up, took_usec; // nullopt: it has not started, or is not up
    std::int64_t gap_usec = 0;                           // from the end of its wait to its start
    core::Phase outcome = core::Phase::down;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("starting", self.starting);
        visit("up", self.up);
        visit("took_usec", self.took_usec);
        visit("gap_usec", self.gap_usec);
        visit("outcome", self.outcome);
    }
};
struct Chain {
    std::vector<ChainUnit> chain; // each waited for the next one
    static void fields(auto& self, auto&& visit) { visit("chain", self.chain); }
};

// The services that were started in this boot, sorted by the time their start took, longest first.
[[nodiscard]] Blame blame_of(const Boot& boot);
[[nodiscard]] std::string blame_view(const Style& style, const Blame& blame);

[[nodiscard]] Chain chain_told(const Boot& boot, const std::vector<ChainLink>& chain);
// `@when` counts from the execution of the init, as in `times`.
[[nodiscard]] std::string chain_view(const Style& style, const Boot& boot, const std::vector<ChainLink>& chain);

// ---- the graph ----------------------------------------------------------------------------------------------------------

struct GraphEdge {
    std::string from, to; // `from` needs `to`
    core::Relation relation = core::Relation::requirement;
    static void fields(auto& self, auto&& visit) {
        visit("from", self.from);
        visit("to", self.to);
        visit("relation", self.relation);
    }
};
struct GraphNode {
    std::string unit;
    core::Kind kind = core::Kind::service;
    core::Phase state = core::Phase::down;
    static void fields(auto& self, auto&& visit) {
        visit("unit", self.unit);
        visit("kind", self.kind);
        visit("state", self.state);
    }
};
struct UnitGraph {
    std::vector<GraphNode> nodes;
    std::vector<GraphEdge> edges;
    static void fields(auto& self, auto&& visit) {
        visit("nodes", self.nodes);
        visit("edges", self.edges);
    }
};
// The selected part of the graph: units reachable from `from`, units that reach `to`, with both the units between them;
// with neither all units that are not down, or with `all` every unit.
struct GraphPart {
    std::optional<std::size_t> from, to;
    bool all = false;
};
[[nodiscard]] UnitGraph graph_of(const Boot& boot, const GraphPart& part);
// The graph in the DOT language of Graphviz.
[[nodiscard]] std::string dot_view(const UnitGraph& graph);

} // namespace mi::ctl
