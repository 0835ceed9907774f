// How the boot is told in text: which unit took long, which waited for which, and the units as a graph for other programs
// to draw. Text in, text out. The chart is plot.hpp's.
#pragma once

#include "ctl/boot/boot.hpp"
#include "ctl/text/terminal.hpp"

namespace mi::ctl {

// ---- what `--json` prints -----------------------------------------------------------------------------------------------

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
    std::optional<std::int64_t> starting, up, took_usec; // none: it has not started, is not up
    std::int64_t gap_usec = 0;                           // after what it waited for, until its start began
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
    std::vector<ChainUnit> chain; // each waited for the next
    static void fields(auto& self, auto&& visit) { visit("chain", self.chain); }
};

// The services that were started in this boot, by the time that took, longest first.
[[nodiscard]] Blame blame_of(const Boot& boot);
[[nodiscard]] std::string blame_view(const Style& style, const Blame& blame);

[[nodiscard]] Chain chain_told(const Boot& boot, const std::vector<ChainLink>& chain);
// `@when`: since the init was executed, as `times` has it.
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
// Which part of the graph: what `from` leads to, what leads to `to`, with both what lies between them; with neither every
// unit that is not down, or with `all` every one.
struct GraphPart {
    std::optional<std::size_t> from, to;
    bool all = false;
};
[[nodiscard]] UnitGraph graph_of(const Boot& boot, const GraphPart& part);
// In the language of Graphviz.
[[nodiscard]] std::string dot_view(const UnitGraph& graph);

} // namespace mi::ctl
