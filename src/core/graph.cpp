#include "core/graph.hpp"

#include "core/cycles.hpp"
#include "core/rings.hpp"

#include <algorithm>
#include <unordered_set>

namespace mi::core {

struct Graph::Pairs {
    std::vector<std::pair<UnitId, Edge>> needs;
    std::vector<std::pair<UnitId, UnitId>> conflicts, on_failure, on_success, part_of, reload_with;
};

namespace {

// Sorts by owner and content, and removes duplicates.
template <typename T, typename Less>
void tidy(std::vector<std::pair<UnitId, T>>& pairs, Less less) {
    std::sort(pairs.begin(), pairs.end(), less);
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
}

bool edge_less(const std::pair<UnitId, Edge>& a, const std::pair<UnitId, Edge>& b) {
    return std::tuple(a.first, a.second.unit, a.second.relation) <
           std::tuple(b.first, b.second.unit, b.second.relation);
}

constexpr std::size_t most_named = 16; // the most units or edges that a message names

void make_invalid(Unit& unit, std::string fault) {
    if (unit.fault.empty())
        unit.fault = std::move(fault);
}

} // namespace

template <typename T>
void Graph::Lists<T>::fill(std::size_t units, std::vector<std::pair<UnitId, T>>& pairs) {
    // `pairs` is sorted by owner, so the slices are contiguous.
    starts.assign(units + 1, 0);
    items.clear();
    items.reserve(pairs.size());
    for (auto& [owner, item] : pairs) {
        ++starts[owner + 1];
        items.push_back(item);
    }
    for (std::size_t i = 0; i < units; ++i)
        starts[i + 1] += starts[i];
}

// Fills the lists of a relation, and those of its reverse.
void Graph::fill_both(std::size_t units, std::vector<std::pair<UnitId, UnitId>>& pairs, Lists<UnitId>& there,
                      Lists<UnitId>& back) {
    tidy(pairs, std::less<>{});
    there.fill(units, pairs);
    for (auto& [one, other] : pairs)
        std::swap(one, other);
    tidy(pairs, std::less<>{});
    back.fill(units, pairs);
}

Graph::Graph(std::vector<Unit> units, Names names) { build(std::move(units), std::move(names)); }

Graph Graph::with(std::vector<Unit> fresh, const std::function<bool(UnitId)>& stays) && {
    Names names;
    names.reserve(units_.size());
    for (UnitId id = 0; id < units_.size(); ++id)
        if (!units_[id].name.empty())
            names.emplace_back(id, units_[id].name);
    std::unordered_set<std::string_view> named;
    for (const Unit& unit : fresh)
        named.insert(unit.name);
    std::vector<Unit> kept;
    for (UnitId id : ids())
        if (!named.contains(units_[id].name) && stays(id))
            kept.push_back(std::move(units_[id]));
    std::ranges::move(kept, std::back_inserter(fresh));
    Graph made;
    made.holes_ = std::move(holes_);
    made.build(std::move(fresh), std::move(names));
    return made;
}

void Graph::build(std::vector<Unit> units, Names names) {
    add_missing(units);
    give_ids(std::move(units), std::move(names));
    name_units();
    Pairs pairs;
    resolve(pairs);
    tidy(pairs.needs, edge_less);
    needs_.fill(units_.size(), pairs.needs);

    CycleReport cycles = break_cycles(units_.size(), [this](UnitId id) { return needs_.of(id); });
    std::vector<std::pair<UnitId, Edge>> given_up;
    for (const Cycle& cycle : cycles.cycles) {
        report(cycle);
        given_up.insert(given_up.end(), cycle.broken.begin(), cycle.broken.end());
    }
    std::sort(given_up.begin(), given_up.end(), edge_less);
    std::erase_if(pairs.needs, [&](const auto& pair) {
        return std::binary_search(given_up.begin(), given_up.end(), pair, edge_less);
    });
    order_ = std::move(cycles.order);
    std::erase_if(order_, [this](UnitId id) { return is_hole_[id] != 0; });

    // An invalid unit keeps no dependencies: it neither starts nor orders other units.
    std::erase_if(pairs.needs, [this](const auto& pair) { return !units_[pair.first].fault.empty(); });
    needs_.fill(units_.size(), pairs.needs);
    for (auto& [owner, edge] : pairs.needs)
        std::swap(owner, edge.unit);
    tidy(pairs.needs, edge_less);
    needed_by_.fill(units_.size(), pairs.needs);
    tidy(pairs.conflicts, std::less<>{});
    conflicts_.fill(units_.size(), pairs.conflicts);
    on_failure_.fill(units_.size(), pairs.on_failure);
    on_success_.fill(units_.size(), pairs.on_success);
    fill_both(units_.size(), pairs.part_of, part_of_, parts_);
    if (!pairs.part_of.empty())
        close_parts(pairs.part_of);
    fill_both(units_.size(), pairs.reload_with, reloads_with_, reloaded_with_);
    look_for_rings();
}

// What is part of a unit is part of what that is part of. Said here, it need not be derived while units run, where units
// that are part of one another would hold each other down.
void Graph::close_parts(std::vector<std::pair<UnitId, UnitId>>& pairs) {
    pairs.clear();
    std::unordered_set<UnitId> seen;
    std::vector<UnitId> stack;
    for (UnitId id : ids()) {
        seen = {id};
        stack.assign(part_of_.of(id).begin(), part_of_.of(id).end());
        while (!stack.empty()) {
            const UnitId whole = stack.back();
            stack.pop_back();
            if (!seen.insert(whole).second)
                continue;
            pairs.emplace_back(id, whole);
            stack.insert(stack.end(), part_of_.of(whole).begin(), part_of_.of(whole).end());
        }
    }
    fill_both(units_.size(), pairs, part_of_, parts_);
}

namespace {

std::string_view key_of(Relation relation) {
    switch (relation) {
    case Relation::on_success: return "on-success";
    case Relation::on_failure: return "on-failure";
    case Relation::want: return "wants";
    case Relation::milestone: return "milestones";
    default: return "requires";
    }
}

} // namespace

// Finds rings of units that start one another. (Units that only need one another form cycles.)
void Graph::look_for_rings() {
    if (on_failure_.items.empty() && on_success_.items.empty())
        return;
    std::vector<std::pair<UnitId, Edge>> pairs;
    for (UnitId id : ids()) {
        for (const Edge& edge : needs(id))
            if (edge.relation != Relation::after)
                pairs.emplace_back(id, edge);
        for (UnitId other : on_failure(id))
            pairs.push_back({id, {other, Relation::on_failure}});
        for (UnitId other : on_success(id))
            pairs.push_back({id, {other, Relation::on_success}});
    }
    tidy(pairs, edge_less);
    Lists<Edge> starts;
    starts.fill(units_.size(), pairs);
    for (Ring& ring : find_rings(units_.size(), [&](UnitId id) { return starts.of(id); })) {
        // The message begins with the alphabetically first unit, for any order of the files.
        std::ranges::rotate(ring.path, std::ranges::min_element(ring.path, {}, [this](const auto& step) {
                                return std::string_view(units_[step.first].name);
                            }));
        std::string text = "ring of units that start one another: ";
        for (std::size_t i = 0; i < std::min(ring.path.size(), most_named); ++i)
            text += units_[ring.path[i].first].name + " -> ";
        text += (ring.path.size() > most_named ? "... -> " : "") + units_[ring.path.front().first].name + " (";
        for (std::size_t i = 0; i < std::min(ring.path.size(), most_named); ++i)
            text += std::string(i == 0 ? "" : ", ") + std::string(key_of(ring.path[i].second.relation));
        warnings_.push_back(
            {text + "); each round counts as a restart, with restart-delay and restart-limit", ring.units});
        ring_of_.resize(units_.size());
        rings_.push_back(std::move(ring.units));
        for (UnitId id : rings_.back())
            ring_of_[id] = static_cast<std::uint32_t>(rings_.size());
    }
}

// Reports a cycle and its consequence. Units that require one another cannot start, and each says so itself; for very
// many units without all names, which would take quadratic space.
void Graph::report(const Cycle& cycle) {
    std::string path;
    for (UnitId id : cycle.path)
        path += units_[id].name + " -> ";
    path += units_[cycle.path.front()].name;
    const std::size_t count = cycle.units.size();
    const std::string more =
        count > cycle.path.size() ? " (and more, among " + std::to_string(count) + " units)" : std::string();
    if (!cycle.broken.empty()) {
        problems_.push_back("dependency cycle: " + path + more + "; broken by ignoring " +
                            given_up_words(cycle.broken));
        return;
    }
    problems_.push_back("dependency cycle: " + path + more + "; none of its units can be started");
    if (count > most_named)
        path = "it is one of " + std::to_string(count) + " units that require one another, such as " +
               units_[cycle.path.front()].name;
    for (UnitId id : cycle.units)
        make_invalid(units_[id], "dependency cycle: " + path);
}

std::string Graph::given_up_words(std::span<const std::pair<UnitId, Edge>> edges) const {
    std::string text;
    for (std::size_t i = 0; i < std::min(edges.size(), most_named); ++i) {
        const auto& [from, edge] = edges[i];
        text += (i == 0 ? "that " : ", that ") + units_[from].name +
                (edge.relation == Relation::want ? " wants " : " comes after ") + units_[edge.unit].name;
    }
    return edges.size() > most_named ? text + " and " + std::to_string(edges.size() - most_named) + " more like these"
                                     : text;
}

void Graph::add_missing(std::vector<Unit>& units) {
    std::unordered_set<std::string> known;
    std::erase_if(units, [&](const Unit& unit) {
        if (known.insert(unit.name).second)
            return false;
        problems_.push_back("two units are called " + unit.name + "; the first is used");
        return true;
    });
    for (const Unit& unit : units) {
        known.insert(unit.name);
        known.insert(unit.aliases.begin(), unit.aliases.end());
    }
    std::vector<Unit> missing;
    for (const Unit& unit : units)
        for (const Dependency& dependency : unit.dependencies)
            if ((dependency.relation == Relation::requirement || dependency.relation == Relation::milestone) &&
                known.insert(dependency.unit).second) {
                Unit& phantom = missing.emplace_back();
                phantom.name = dependency.unit;
                phantom.fault = "there is no unit of that name";
            }
    std::move(missing.begin(), missing.end(), std::back_inserter(units));
}

// Places each unit at the id of its name. A new name gets an id without a name, or the oldest hole if there are very
// many holes, or a new id.
void Graph::give_ids(std::vector<Unit> units, Names names) {
    std::size_t size = 0;
    for (const auto& [id, name] : names)
        size = std::max<std::size_t>(size, id + 1);
    std::unordered_map<std::string_view, UnitId> known;
    std::vector<char> is_named(size);
    for (const auto& [id, name] : names) {
        known.emplace(name, id);
        is_named[id] = 1;
    }
    UnitId nameless = 0; // the first possible id without a name
    auto new_place = [&] {
        while (nameless < is_named.size() && is_named[nameless])
            ++nameless;
        if (nameless < is_named.size())
            return nameless++;
        if (holes_.size() <= most_holes)
            return static_cast<UnitId>(size++);
        const UnitId oldest = holes_.front();
        holes_.pop_front();
        return oldest;
    };
    std::vector<UnitId> places;
    places.reserve(units.size());
    for (const Unit& unit : units)
        if (auto at = known.find(unit.name); at != known.end())
            places.push_back(at->second);
        else
            places.push_back(new_place());
    units_.resize(size);
    is_hole_.assign(size, 1);
    for (std::size_t i = 0; i < units.size(); ++i) {
        is_hole_[places[i]] = 0;
        units_[places[i]] = std::move(units[i]);
    }
    std::erase_if(holes_, [this](UnitId id) { return !is_hole_[id]; });
    std::vector<char> is_listed(size);
    for (UnitId id : holes_)
        is_listed[id] = 1;
    for (auto& [id, name] : names)
        if (is_hole_[id])
            units_[id].name = std::move(name);
    for (UnitId id = 0; id < size; ++id)
        if (is_hole_[id] && !is_listed[id])
            holes_.push_back(id);
}

void Graph::name_units() {
    ids_.reserve(units_.size() * 2);
    for (UnitId id : ids())
        ids_.emplace(units_[id].name, id);
    for (UnitId id : ids())
        for (const std::string& alias : units_[id].aliases) {
            auto [at, added] = ids_.emplace(alias, id);
            if (!added && at->second != id)
                problems_.push_back(units_[id].name + " has the alias " + alias + ", which is already " +
                                    units_[at->second].name);
        }
}

void Graph::resolve(Pairs& pairs) {
    for (UnitId id = 0; id < units_.size(); ++id) {
        for (const Dependency& dependency : units_[id].dependencies) {
            UnitId other = find(dependency.unit);
            if (other == no_unit) // only for optional relations: add_missing has made the others
                continue;
            if (other == id) {
                problems_.push_back(units_[id].name + " depends on itself");
                if (dependency.relation == Relation::requirement || dependency.relation == Relation::milestone)
                    make_invalid(units_[id], "it depends on itself");
                continue;
            }
            bool enabled = units_[id].enabled;
            switch (dependency.relation) {
            case Relation::requirement:
            case Relation::want:
            case Relation::milestone:
            case Relation::after: pairs.needs.push_back({id, {other, dependency.relation}}); break;
            case Relation::before: pairs.needs.push_back({other, {id, Relation::after}}); break;
            case Relation::required_by:
                if (enabled)
                    pairs.needs.push_back({other, {id, Relation::requirement}});
                break;
            case Relation::wanted_by:
                if (enabled)
                    pairs.needs.push_back({other, {id, Relation::want}});
                break;
            case Relation::conflict:
                pairs.conflicts.push_back({id, other});
                pairs.conflicts.push_back({other, id});
                break;
            case Relation::on_failure: pairs.on_failure.push_back({id, other}); break;
            case Relation::on_success: pairs.on_success.push_back({id, other}); break;
            case Relation::part_of: pairs.part_of.push_back({id, other}); break;
            case Relation::reload_with: pairs.reload_with.push_back({id, other}); break;
            }
        }
    }
}

UnitId Graph::find(std::string_view name) const {
    auto at = ids_.find(name);
    return at == ids_.end() ? no_unit : at->second;
}

} // namespace mi::core
