// Finds units that start one another in a ring: by the end of a unit (`on-success`, `on-failure`), and by its needs.
#pragma once

#include "core/graph.hpp"

#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace mi::core {

struct Ring {
    std::vector<UnitId> units;                 // all that can start one another, sorted
    std::vector<std::pair<UnitId, Edge>> path; // one way around: each unit with the edge to the one it starts
};

// `starts(id)` are the units that `id` starts, for ids below `units`: at its end by Relation::on_success and
// on_failure, together with it by any other relation. Units that only start together form no ring.
[[nodiscard]] std::vector<Ring> find_rings(std::size_t units,
                                           const std::function<std::span<const Edge>(UnitId)>& starts);

} // namespace mi::core
