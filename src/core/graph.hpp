// Units and how they hang together: names become ids, reverse keys are turned round, cycles are found, spelled out and
// broken. Immutable once built; what is happening to the units is the engine's.
#pragma once

#include "core/record.hpp"
#include "core/unit.hpp"

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace mi::core {

// One end of a dependency, seen from the other. Relation is one of requirement, want, milestone, after.
struct Edge {
    UnitId unit;
    Relation relation;
    bool operator==(const Edge&) const = default;
};

struct Cycle;

class Graph {
public:
    Graph() = default;
    // Takes the units over. Every reference to a unit that does not exist and is not optional makes an invalid unit of that
    // name, so that whoever requires it can say so. Cycles are reported in problems() and broken: at a `wants` or order-only
    // edge where the cycle has one; otherwise its units become invalid.
    explicit Graph(std::vector<Unit> units);
    Graph(Graph&&) = default; // the names point into the units, which stay where they are when the vector moves
    Graph& operator=(Graph&&) = default;
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    [[nodiscard]] std::size_t size() const { return units_.size(); }
    [[nodiscard]] const Unit& unit(UnitId id) const { return units_[id]; }
    [[nodiscard]] const std::string& name(UnitId id) const { return units_[id].name; }
    // By name or alias; no_unit where there is none.
    [[nodiscard]] UnitId find(std::string_view name) const;
    // What `id` depends on, and who depends on it.
    [[nodiscard]] std::span<const Edge> needs(UnitId id) const { return needs_.of(id); }
    [[nodiscard]] std::span<const Edge> needed_by(UnitId id) const { return needed_by_.of(id); }
    // Units that cannot run beside `id`, whichever of the two said so.
    [[nodiscard]] std::span<const UnitId> conflicts(UnitId id) const { return conflicts_.of(id); }
    [[nodiscard]] std::span<const UnitId> on_failure(UnitId id) const { return on_failure_.of(id); }
    [[nodiscard]] std::span<const UnitId> on_success(UnitId id) const { return on_success_.of(id); }
    // Every unit after all it depends on.
    [[nodiscard]] const std::vector<UnitId>& order() const { return order_; }
    // What was found wrong with the units as a whole, a line each.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
    // Gives the units back, for building another graph from some of them.
    [[nodiscard]] std::vector<Unit> take_units() && { return std::move(units_); }

private:
    // Lists of all units in one array: `of(id)` is a slice of it.
    template <typename T>
    struct Lists {
        std::vector<std::uint32_t> starts;
        std::vector<T> items;
        [[nodiscard]] std::span<const T> of(UnitId id) const {
            return std::span(items).subspan(starts[id], starts[id + 1] - starts[id]);
        }
        void fill(std::size_t units, std::vector<std::pair<UnitId, T>>& pairs);
    };
    struct Pairs;

    void name_units();
    void add_missing();
    void resolve(Pairs& pairs);
    void report(const Cycle& cycle);
    [[nodiscard]] std::string given_up_words(std::span<const std::pair<UnitId, Edge>> edges) const;

    std::vector<Unit> units_;
    std::unordered_map<std::string_view, UnitId> ids_; // views into units_
    Lists<Edge> needs_, needed_by_;
    Lists<UnitId> conflicts_, on_failure_, on_success_;
    std::vector<UnitId> order_;
    std::vector<std::string> problems_;
};

} // namespace mi::core
