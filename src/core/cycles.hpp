// Putting units in order, and finding what makes that impossible.
#pragma once

#include "core/graph.hpp"

#include <functional>
#include <vector>

namespace mi::core {

// Units that all depend on one another: one report for all of them, however many cycles they make.
struct Cycle {
    // One of the cycles: each unit depends on the next, the last on the first. None is shorter that has its first edge given
    // up or, without one, its first unit.
    std::vector<UnitId> path;
    std::vector<UnitId> units; // all of them, sorted: those of `path`, and others
    // The edges that were given up so that no cycle is left, and by which unit. Empty where the units require one another:
    // then none may be given up, and none of the units can start.
    std::vector<std::pair<UnitId, Edge>> broken;
};

struct CycleReport {
    std::vector<Cycle> cycles;
    std::vector<UnitId> order; // every unit after what it depends on, without the edges given up
};

// `needs(id)` are the edges of a unit, for ids below `units`. Units that require one another lose all their edges. Any other
// cycle is broken at an edge that is only an order where it has one, else at a want. Takes time in proportion to the number of
// units and edges (but for one logarithm), whatever they look like.
[[nodiscard]] CycleReport break_cycles(std::size_t units, const std::function<std::span<const Edge>(UnitId)>& needs);

// The largest sets of two units and more that all lead to one another along `edges(id)`, each sorted.
[[nodiscard]] std::vector<std::vector<UnitId>>
connected_parts(std::size_t units, const std::function<std::span<const Edge>(UnitId)>& edges);

} // namespace mi::core
