// Units that start one another round and round: by the end of one (`on-success`, `on-failure`), and by what one needs.
#pragma once

#include "core/graph.hpp"

#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace mi::core {

struct Ring {
    std::vector<UnitId> units;                 // all that can start one another, sorted
    std::vector<std::pair<UnitId, Edge>> path; // one way round: each unit, and the one that it starts
};

// `starts(id)` are the units that `id` starts, for ids below `units`: at its end by Relation::on_success and on_failure, beside it
// by any other relation. What only starts beside one another is no ring.
[[nodiscard]] std::vector<Ring> find_rings(std::size_t units,
                                           const std::function<std::span<const Edge>(UnitId)>& starts);

} // namespace mi::core
