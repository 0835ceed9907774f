// Putting units in order, and finding what makes that impossible.
#pragma once

#include "core/graph.hpp"

#include <functional>
#include <optional>

namespace mi::core {

// One dependency cycle: each unit of `path` depends on the next, the last on the first. `broken` is the edge that was
// given up, and by which unit; none where every edge of the cycle is a hard one.
struct Cycle {
    std::vector<UnitId> path;
    std::optional<std::pair<UnitId, Edge>> broken;
};

struct CycleReport {
    std::vector<Cycle> cycles;
    std::vector<UnitId> order; // every unit after what it depends on, without the edges given up
};

// `needs(id)` are the edges of a unit, for ids below `units`.
[[nodiscard]] CycleReport break_cycles(std::size_t units, const std::function<std::span<const Edge>(UnitId)>& needs);

} // namespace mi::core
