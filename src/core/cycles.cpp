#include "core/cycles.hpp"

#include <algorithm>

namespace mi::core {

namespace {

enum class Mark : std::uint8_t { unseen, on_path, finished };

// How readily an edge is given up: order without need first, then a want; never what is required.
int firmness(Relation relation) {
    switch (relation) {
    case Relation::after: return 0;
    case Relation::want: return 1;
    default: return 2;
    }
}

// A depth-first walk that keeps its path explicitly, since a chain may be as long as there are units.
class Walk {
public:
    Walk(std::size_t units, const std::function<std::span<const Edge>(UnitId)>& needs)
        : needs_(needs), marks_(units, Mark::unseen), dropped_(units) {}

    CycleReport run() {
        for (UnitId root = 0; root < marks_.size(); ++root) {
            enter(root);
            while (!path_.empty())
                advance();
        }
        return std::move(report_);
    }

private:
    struct Place {
        UnitId unit;
        std::size_t next = 0; // the edge to follow next; the one being followed is next - 1
    };

    void enter(UnitId unit) {
        if (marks_[unit] != Mark::unseen)
            return;
        marks_[unit] = Mark::on_path;
        path_.push_back({unit});
    }

    void advance() {
        Place& place = path_.back();
        std::span<const Edge> edges = needs_(place.unit);
        if (place.next == edges.size()) {
            marks_[place.unit] = Mark::finished;
            report_.order.push_back(place.unit);
            path_.pop_back();
            return;
        }
        const Edge& edge = edges[place.next++];
        if (given_up(place.unit, edge))
            return;
        if (marks_[edge.unit] == Mark::on_path)
            resolve(edge.unit);
        else
            enter(edge.unit);
    }

    [[nodiscard]] bool given_up(UnitId from, const Edge& edge) const {
        const auto& dropped = dropped_[from];
        return std::find(dropped.begin(), dropped.end(), edge) != dropped.end();
    }

    // The path from `first` to its end, and the edge just followed back to `first`, are a cycle.
    void resolve(UnitId first) {
        auto begin = std::find_if(path_.begin(), path_.end(), [&](const Place& place) { return place.unit == first; });
        auto weakest = begin;
        Cycle& cycle = report_.cycles.emplace_back();
        for (auto at = begin; at != path_.end(); ++at) {
            cycle.path.push_back(at->unit);
            if (firmness(followed(*at).relation) < firmness(followed(*weakest).relation))
                weakest = at;
        }
        if (firmness(followed(*weakest).relation) == 2) {
            // Nobody gives way: the units of the cycle fail, and with no edges left they cannot make another.
            for (auto at = begin; at != path_.end(); ++at) {
                std::span<const Edge> edges = needs_(at->unit);
                dropped_[at->unit].assign(edges.begin(), edges.end());
            }
        } else {
            cycle.broken = {weakest->unit, followed(*weakest)};
            dropped_[weakest->unit].push_back(followed(*weakest));
        }
        // Walk on from the unit whose edge went; what lies behind it on the path is looked at anew when it is met again.
        UnitId keep = cycle.broken ? weakest->unit : first;
        while (path_.back().unit != keep) {
            marks_[path_.back().unit] = Mark::unseen;
            path_.pop_back();
        }
        path_.back().next = 0;
    }

    [[nodiscard]] const Edge& followed(const Place& place) const { return needs_(place.unit)[place.next - 1]; }

    const std::function<std::span<const Edge>(UnitId)>& needs_;
    std::vector<Mark> marks_;
    std::vector<std::vector<Edge>> dropped_;
    std::vector<Place> path_;
    CycleReport report_;
};

} // namespace

CycleReport break_cycles(std::size_t units, const std::function<std::span<const Edge>(UnitId)>& needs) {
    return Walk(units, needs).run();
}

} // namespace mi::core
