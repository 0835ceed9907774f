// Breaks cycles in four passes of one walk, each in linear time. Each pass finds the strongly connected parts of the
// remaining graph; only a part with several units contains cycles.
//
// 1. Requirements only: the units of such a part can never start. They fail, and lose their edges.
// 2. Requirements and wants: gives up wants until no cycle of these is left.
// 3. All edges: now every cycle has an edge that only orders; gives up such edges.
// 4. No cycle is left. The walk returns each part after all parts that it depends on: this is the order.
//
// How a part loses edges: its units are placed one after the other, first those whose needs are all placed. If there is
// none, a unit is placed that lacks only edges of the kind that may be given up, and these edges are given up. Such a
// unit always exists, because the previous pass has left no cycle of firmer edges.
#include "core/cycles.hpp"

#include <algorithm>
#include <deque>
#include <limits>

namespace mi::core {

namespace {

using Needs = std::function<std::span<const Edge>(UnitId)>;

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

// The order in which kinds of edges are given up: first order without need, then a want; a requirement never.
enum class Firmness : std::uint8_t { order_only, wanted, required };

Firmness firmness(const Edge& edge) {
    switch (edge.relation) {
    case Relation::after: return Firmness::order_only;
    case Relation::want: return Firmness::wanted;
    default: return Firmness::required;
    }
}

// The graph of one pass: without the edges that were given up, and without those that are less firm than `least`.
class View {
public:
    View(std::size_t units, const Needs& needs) : needs_(needs), starts_(units + 1) {
        for (UnitId unit = 0; unit < units; ++unit)
            starts_[unit + 1] = starts_[unit] + needs(unit).size();
        given_up_.resize(starts_.back());
    }

    Firmness least = Firmness::order_only;

    [[nodiscard]] std::size_t units() const { return starts_.size() - 1; }
    [[nodiscard]] std::span<const Edge> edges(UnitId unit) const { return needs_(unit); }
    // Whether this pass uses the edge at `index` of edges(unit).
    [[nodiscard]] bool sees(UnitId unit, std::size_t index, const Edge& edge) const {
        return firmness(edge) >= least && !given_up_[starts_[unit] + index];
    }
    void give_up(UnitId unit, std::size_t index) { given_up_[starts_[unit] + index] = true; }

    // Calls `visit(edge, index)` for the used edges of `unit`, as long as it returns true.
    template <typename Visit>
    void each(UnitId unit, Visit&& visit) const {
        const std::span<const Edge> all = edges(unit);
        for (std::size_t i = 0; i < all.size(); ++i)
            if (sees(unit, i, all[i]) && !visit(all[i], i))
                return;
    }

private:
    const Needs& needs_;
    std::vector<std::size_t> starts_; // index of each unit's first edge among all edges
    std::vector<bool> given_up_;
};

// Tarjan's algorithm with an explicit stack, because a chain can be as long as the number of units.
class Parts {
public:
    explicit Parts(const View& view)
        : view_(view), index_(view.units(), none), low_(view.units()), open_(view.units()) {}

    // Calls `found` with the units of each strongly connected part, sorted, after those that the part depends on. Edges
    // that `found` gives up inside the part no longer matter to the walk.
    template <typename Found>
    void each(Found&& found) {
        for (UnitId root = 0; root < index_.size(); ++root) {
            if (index_[root] == none)
                enter(root);
            while (!path_.empty())
                if (const UnitId first = path_.back().unit; !advance() && low_[first] == index_[first])
                    found(take(first));
        }
    }

private:
    struct Place {
        UnitId unit;
        std::size_t next = 0; // the edge to follow next
    };

    void enter(UnitId unit) {
        index_[unit] = low_[unit] = count_++;
        open_[unit] = true;
        stack_.push_back(unit);
        path_.push_back({unit});
    }

    // Follows one edge, or returns from a unit. False: the unit is done.
    bool advance() {
        Place& place = path_.back();
        const UnitId unit = place.unit;
        const std::span<const Edge> edges = view_.edges(unit);
        if (place.next < edges.size()) {
            const std::size_t index = place.next++;
            const UnitId other = edges[index].unit;
            if (!view_.sees(unit, index, edges[index]))
                return true;
            if (index_[other] == none)
                enter(other);
            else if (open_[other])
                low_[unit] = std::min(low_[unit], index_[other]);
            return true;
        }
        path_.pop_back();
        if (!path_.empty())
            low_[path_.back().unit] = std::min(low_[path_.back().unit], low_[unit]);
        return false;
    }

    // Removes the part that begins with `first` from the stack.
    std::vector<UnitId> take(UnitId first) {
        auto begin = stack_.end();
        do
            open_[*--begin] = false;
        while (*begin != first);
        std::vector<UnitId> part(begin, stack_.end());
        stack_.erase(begin, stack_.end());
        std::ranges::sort(part);
        return part;
    }

    const View& view_;
    std::vector<std::uint32_t> index_, low_;
    std::vector<bool> open_; // on the stack
    std::vector<UnitId> stack_;
    std::vector<Place> path_;
    std::uint32_t count_ = 0;
};

class Breaker {
public:
    Breaker(std::size_t units, const Needs& needs)
        : view_(units, needs), part_(units, none), reached_from_(units, none), lacks_(units), placed_(units) {}

    CycleReport run() {
        view_.least = Firmness::required;
        Parts(view_).each([this](std::vector<UnitId> part) {
            if (part.size() > 1)
                fail(std::move(part));
        });
        for (Firmness least : {Firmness::wanted, Firmness::order_only}) {
            view_.least = least;
            Parts(view_).each([this](std::vector<UnitId> part) {
                if (part.size() > 1)
                    put_in_order(std::move(part));
            });
        }
        report_.order.reserve(view_.units());
        Parts(view_).each([this](const std::vector<UnitId>& part) { report_.order.push_back(part.front()); });
        return std::move(report_);
    }

private:
    // From now on inside() refers to this part.
    void enter(const std::vector<UnitId>& part) {
        ++parts_;
        for (UnitId unit : part)
            part_[unit] = parts_;
    }
    [[nodiscard]] bool inside(UnitId unit) const { return part_[unit] == parts_; }

    void fail(std::vector<UnitId> part) {
        enter(part);
        std::vector<UnitId> path = path_between(part.front(), part.front());
        for (UnitId unit : part)
            for (std::size_t i = 0; i < view_.edges(unit).size(); ++i)
                view_.give_up(unit, i);
        report_.cycles.push_back({std::move(path), std::move(part), {}});
    }

    // The shortest path from `from` to `to` (which may be the same) inside the part, without `to` itself.
    // Breadth-first: each unit stores the unit from which it was reached first.
    std::vector<UnitId> path_between(UnitId from, UnitId to) {
        std::vector<UnitId> reached{from};
        for (std::size_t at = 0; at < reached.size() && reached_from_[to] == none; ++at)
            view_.each(reached[at], [&](const Edge& edge, std::size_t) {
                if (inside(edge.unit) && reached_from_[edge.unit] == none) {
                    reached_from_[edge.unit] = reached[at];
                    reached.push_back(edge.unit);
                }
                return reached_from_[to] == none;
            });
        std::vector<UnitId> path;
        UnitId unit = to;
        do
            path.push_back(unit = reached_from_[unit]);
        while (unit != from);
        std::ranges::reverse(path);
        for (UnitId one : reached)
            reached_from_[one] = none;
        return path;
    }

    // The needs of a unit inside its part that are not placed yet: edges that may be given up, and firmer ones.
    struct Lacks {
        std::uint32_t loose = 0, firm = 0;
    };
    // A unit that needs another one, listed with the other one.
    struct NeededBy {
        UnitId unit;
        bool loose;
    };

    void put_in_order(std::vector<UnitId> part) {
        enter(part);
        // Units without a lack, and units without a firm lack; the latter in the order in which they got there.
        std::deque<UnitId> free, nearly;
        auto look = [&](UnitId unit) {
            if (lacks_[unit].firm == 0 && !placed_[unit])
                (lacks_[unit].loose == 0 ? free : nearly).push_back(unit);
        };
        std::vector<std::size_t> starts;
        const std::vector<NeededBy> needed_by = turned_round(part, starts);
        for (UnitId unit : part)
            look(unit);
        Cycle cycle;
        std::vector<std::pair<UnitId, std::size_t>> given_up;
        while (!free.empty() || !nearly.empty()) {
            std::deque<UnitId>& from = free.empty() ? nearly : free;
            const UnitId unit = from.front();
            from.pop_front();
            if (placed_[unit])
                continue;
            placed_[unit] = true;
            view_.each(unit, [&](const Edge& edge, std::size_t index) {
                if (inside(edge.unit) && !placed_[edge.unit]) {
                    cycle.broken.emplace_back(unit, edge);
                    given_up.emplace_back(unit, index);
                }
                return true;
            });
            const std::size_t at = place_in(part, unit);
            for (std::size_t i = starts[at]; i < starts[at + 1]; ++i) {
                Lacks& lacks = lacks_[needed_by[i].unit];
                if (--(needed_by[i].loose ? lacks.loose : lacks.firm) == 0)
                    look(needed_by[i].unit);
            }
        }
        for (UnitId unit : part) { // restore it for the next pass
            placed_[unit] = false;
            lacks_[unit] = {};
        }
        const auto& [unit, edge] = cycle.broken.front();
        cycle.path = path_between(edge.unit, unit);
        cycle.path.push_back(unit);
        std::ranges::rotate(cycle.path, std::ranges::min_element(cycle.path));
        cycle.units = std::move(part);
        report_.cycles.push_back(std::move(cycle));
        for (const auto& [from, index] : given_up)
            view_.give_up(from, index);
    }

    static std::size_t place_in(const std::vector<UnitId>& part, UnitId unit) {
        return static_cast<std::size_t>(std::ranges::lower_bound(part, unit) - part.begin());
    }

    // The reversed edges inside the part in one array: those of part[i] are from starts[i] to starts[i + 1]. Also
    // counts in `lacks_`.
    std::vector<NeededBy> turned_round(const std::vector<UnitId>& part, std::vector<std::size_t>& starts) {
        auto each_edge = [&](auto&& visit) {
            for (UnitId unit : part)
                view_.each(unit, [&](const Edge& edge, std::size_t) {
                    if (inside(edge.unit))
                        visit(unit, place_in(part, edge.unit), firmness(edge) == view_.least);
                    return true;
                });
        };
        starts.assign(part.size() + 2, 0);
        each_edge([&](UnitId unit, std::size_t place, bool loose) {
            ++starts[place + 2];
            ++(loose ? lacks_[unit].loose : lacks_[unit].firm);
        });
        for (std::size_t i = 2; i < starts.size(); ++i)
            starts[i] += starts[i - 1];
        std::vector<NeededBy> needed_by(starts.back());
        // starts[i + 1] moves from the start of a unit's slice to its end, which is the start of the next slice.
        each_edge([&](UnitId unit, std::size_t place, bool loose) { needed_by[starts[place + 1]++] = {unit, loose}; });
        return needed_by;
    }

    View view_;
    std::vector<std::uint32_t> part_; // the number of the last part that a unit was in
    std::uint32_t parts_ = 0;
    std::vector<UnitId> reached_from_;
    std::vector<Lacks> lacks_;
    std::vector<bool> placed_;
    CycleReport report_;
};

} // namespace

CycleReport break_cycles(std::size_t units, const Needs& needs) { return Breaker(units, needs).run(); }

std::vector<std::vector<UnitId>> connected_parts(std::size_t units, const Needs& edges) {
    std::vector<std::vector<UnitId>> parts;
    const View view(units, edges);
    Parts(view).each([&](std::vector<UnitId> part) {
        if (part.size() > 1)
            parts.push_back(std::move(part));
    });
    return parts;
}

} // namespace mi::core
