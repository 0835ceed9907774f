// Units and their relations: turns names into ids, reverses reverse keys, and finds, reports and breaks cycles.
// Immutable once built; the engine keeps the state of the units.
#pragma once

#include "core/record.hpp"
#include "core/unit.hpp"

#include <deque>
#include <functional>
#include <ranges>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mi::core {

// One end of a dependency, listed at the other end. `relation` is requirement, want, milestone or after.
struct Edge {
    UnitId unit;
    Relation relation;
    bool operator==(const Edge&) const = default;
};

struct Cycle;

// A unit's id is the id of its name, also in the graphs that with() makes. A removed unit leaves a hole, which normally
// only its name fills again. So a stored id always means the same unit, or none.
class Graph {
public:
    // The most names without a unit that keep their ids, the latest ones: so a machine that runs a million transient
    // units does not have a million holes. An older hole may get a new name.
    static constexpr std::size_t most_holes = 1024;
    // Ids that names have already, from the previous program image.
    using Names = std::vector<std::pair<UnitId, std::string>>;

    Graph() = default;
    // Takes over the units. A reference to a unit that does not exist, unless it is optional, makes an invalid unit of
    // that name, so that a unit that requires it can report this. Cycles are reported in problems() and broken: at a
    // `wants` or order-only edge if the cycle has one; otherwise its units become invalid.
    explicit Graph(std::vector<Unit> units, Names names = {});
    // A graph of `fresh`, and of those present units for which `stays` is true and that have no namesake in `fresh`.
    [[nodiscard]] Graph with(std::vector<Unit> fresh, const std::function<bool(UnitId)>& stays) &&;
    Graph(Graph&&) = default; // the names point into the units, which do not move in memory when the vector is moved
    Graph& operator=(Graph&&) = default;
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    // One more than the highest id, for tables indexed by id. ids() are the ids of units, without holes.
    [[nodiscard]] std::size_t size() const { return units_.size(); }
    [[nodiscard]] std::size_t count() const { return units_.size() - holes_.size(); } // of units
    [[nodiscard]] bool contains(UnitId id) const { return id < units_.size() && !is_hole_[id]; }
    [[nodiscard]] auto ids() const {
        return std::views::iota(UnitId{0}, static_cast<UnitId>(units_.size())) |
               std::views::filter([this](UnitId id) { return !is_hole_[id]; });
    }
    // For a hole: a unit with its name and nothing else.
    [[nodiscard]] const Unit& unit(UnitId id) const { return units_[id]; }
    [[nodiscard]] const std::string& name(UnitId id) const { return units_[id].name; }
    // Finds a unit by name or alias; no_unit: there is none.
    [[nodiscard]] UnitId find(std::string_view name) const;
    // The dependencies of `id`, and its dependents.
    [[nodiscard]] std::span<const Edge> needs(UnitId id) const { return needs_.of(id); }
    [[nodiscard]] std::span<const Edge> needed_by(UnitId id) const { return needed_by_.of(id); }
    // Units that cannot run beside `id`, whichever of the two files says so.
    [[nodiscard]] std::span<const UnitId> conflicts(UnitId id) const { return conflicts_.of(id); }
    // The units that `id` is part of, and those that are part of it; also by way of others.
    [[nodiscard]] std::span<const UnitId> part_of(UnitId id) const { return part_of_.of(id); }
    [[nodiscard]] std::span<const UnitId> parts(UnitId id) const { return parts_.of(id); }
    // The units with which `id` is reloaded, and those that are reloaded with it.
    [[nodiscard]] std::span<const UnitId> reloads_with(UnitId id) const { return reloads_with_.of(id); }
    [[nodiscard]] std::span<const UnitId> reloaded_with(UnitId id) const { return reloaded_with_.of(id); }
    [[nodiscard]] std::span<const UnitId> on_failure(UnitId id) const { return on_failure_.of(id); }
    [[nodiscard]] std::span<const UnitId> on_success(UnitId id) const { return on_success_.of(id); }
    // Every unit after all its dependencies.
    [[nodiscard]] const std::vector<UnitId>& order() const { return order_; }
    // The units that form a ring with this one, itself included: they start one another by the end of one and by the
    // needs of another (rings.hpp); empty: it is in none.
    [[nodiscard]] std::span<const UnitId> ring(UnitId id) const {
        return ring_of_.empty() || ring_of_[id] == 0 ? std::span<const UnitId>() : rings_[ring_of_[id] - 1];
    }
    [[nodiscard]] bool in_one_ring(UnitId one, UnitId other) const {
        return !ring_of_.empty() && ring_of_[one] != 0 && ring_of_[one] == ring_of_[other];
    }
    // The problems of the units as a whole, one line each.
    [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
    // A relation that works but is probably not intended: a ring.
    struct Warning {
        std::string text;
        std::vector<UnitId> units; // the units that it is about, sorted
    };
    [[nodiscard]] const std::vector<Warning>& warnings() const { return warnings_; }

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
    static void fill_both(std::size_t units, std::vector<std::pair<UnitId, UnitId>>& pairs, Lists<UnitId>& there,
                          Lists<UnitId>& back);
    struct Pairs;

    void build(std::vector<Unit> units, Names names);
    void add_missing(std::vector<Unit>& units);
    void give_ids(std::vector<Unit> units, Names names);
    void name_units();
    void resolve(Pairs& pairs);
    void close_parts(std::vector<std::pair<UnitId, UnitId>>& pairs);
    void report(const Cycle& cycle);
    void look_for_rings();
    [[nodiscard]] std::string given_up_words(std::span<const std::pair<UnitId, Edge>> edges) const;

    std::vector<Unit> units_; // by id
    std::vector<char> is_hole_;
    std::deque<UnitId> holes_;                         // in the order in which they became holes
    std::unordered_map<std::string_view, UnitId> ids_; // keys are views into units_: names and aliases
    Lists<Edge> needs_, needed_by_;
    Lists<UnitId> conflicts_, on_failure_, on_success_, part_of_, parts_, reloads_with_, reloaded_with_;
    std::vector<UnitId> order_;
    std::vector<std::uint32_t> ring_of_; // by id: index in rings_ plus 1, 0: in none; empty: there is no ring
    std::vector<std::vector<UnitId>> rings_;
    std::vector<std::string> problems_;
    std::vector<Warning> warnings_;
};

} // namespace mi::core
