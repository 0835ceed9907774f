#include "core/rings.hpp"

#include "core/cycles.hpp"

#include <algorithm>
#include <unordered_map>

namespace mi::core {

namespace {

using Starts = std::function<std::span<const Edge>(UnitId)>;

bool at_the_end(const Edge& edge) {
    return edge.relation == Relation::on_success || edge.relation == Relation::on_failure;
}

// The shortest path from `from` to `to` among units that start one another.
std::vector<std::pair<UnitId, Edge>> way(const std::vector<UnitId>& among, UnitId from, UnitId to,
                                         const Starts& starts) {
    std::unordered_map<UnitId, std::pair<UnitId, Edge>> reached; // the previous unit, and the edge from it
    std::vector<UnitId> open{from};
    for (std::size_t at = 0; at < open.size() && !reached.contains(to); ++at)
        for (const Edge& edge : starts(open[at]))
            if (std::ranges::binary_search(among, edge.unit) && edge.unit != from &&
                reached.try_emplace(edge.unit, open[at], edge).second)
                open.push_back(edge.unit);
    std::vector<std::pair<UnitId, Edge>> path;
    for (UnitId unit = to; unit != from; unit = path.back().first)
        path.push_back(reached.at(unit));
    std::ranges::reverse(path);
    return path;
}

} // namespace

std::vector<Ring> find_rings(std::size_t units, const Starts& starts) {
    std::vector<Ring> rings;
    for (std::vector<UnitId>& part : connected_parts(units, starts)) {
        for (UnitId unit : part) {
            const auto edges = starts(unit);
            const auto first = std::ranges::find_if(edges, [&](const Edge& edge) {
                return at_the_end(edge) && std::ranges::binary_search(part, edge.unit);
            });
            if (first == edges.end())
                continue;
            std::vector<std::pair<UnitId, Edge>> path{{unit, *first}};
            std::ranges::move(way(part, first->unit, unit, starts), std::back_inserter(path));
            rings.push_back({std::move(part), std::move(path)});
            break;
        }
    }
    return rings;
}

} // namespace mi::core
