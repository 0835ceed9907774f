// Puts units in order, and finds and breaks dependency cycles.
#pragma once

#include "core/graph.hpp"

#include <functional>
#include <vector>

namespace mi::core {

// Units that all depend on one another: one report for all of them, however many cycles they form.
struct Cycle {
    // One of the cycles: each unit depends on the next, the last one on the first. It is the shortest cycle with the
    // first edge that was given up, or, if none was, with the first unit.
    std::vector<UnitId> path;
    std::vector<UnitId> units; // all of them, sorted, including those of `path`
    // The edges that were given up to break all cycles, with the units they belong to. Empty if the units require one
    // another: then no edge may be given up, and none of the units can start.
    std::vector<std::pair<UnitId, Edge>> broken;
};

struct CycleReport {
    std::vector<Cycle> cycles;
    std::vector<UnitId> order; // every unit after its dependencies, without the edges given up
};

// `needs(id)` returns the edges of a unit, for ids below `units`. Units that require one another lose all their edges.
// Any other cycle is broken at an edge that only orders, if it has one, else at a want. Takes time in proportion to the
// number of units and edges (times a logarithm) for any graph.
[[nodiscard]] CycleReport break_cycles(std::size_t units, const std::function<std::span<const Edge>(UnitId)>& needs);

// The largest sets of at least two units that can all reach one another along `edges(id)`, each sorted.
[[nodiscard]] std::vector<std::vector<UnitId>>
connected_parts(std::size_t units, const std::function<std::span<const Edge>(UnitId)>& edges);

} // namespace mi::core
