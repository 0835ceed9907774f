// The facts about a unit that its neighbours need, and its counts of their facts. Both can be computed from the records
// at any time. Storing them avoids a look at every neighbour after every event; facts.cpp has the full computation,
// with which the tests compare the stored values.
#pragma once

#include "core/graph.hpp"
#include "core/record.hpp"

namespace mi::core {

// The facts of one unit.
struct Facts {
    bool wanted : 1 = false;  // it was requested, or another unit needs it
    bool pulls : 1 = false;   // it wants its dependencies to be up
    bool keep : 1 = false;    // if it is up, it may stay up
    bool good : 1 = false;    // it satisfies the units that require it
    bool came_up : 1 = false; // it satisfies the units that list it in `milestones`
    bool coming : 1 = false;  // its (first) start is still to come or in progress
    bool hopeful : 1 = false; // it is good, or may become good without a new request
    bool lost : 1 = false;    // units that require it fail
    bool active : 1 = false;  // it must be stopped before it is down
    bool leaving : 1 = false; // it is being stopped, or is tried again after its end: its parts go with it
    bool barred : 1 = false;  // it was stopped by hand, or by a conflict: its parts rest, but those asked for by name
    bool operator==(const Facts&) const = default;
};

// Counts over the neighbours of one unit.
struct Counts {
    std::uint32_t pulled = 0;      // units that want this one up
    std::uint32_t blocked = 0;     // dependencies that are not yet in the state that its start needs
    std::uint32_t failed = 0;      // lost dependencies that it requires or lists in `milestones`
    std::uint32_t unkept = 0;      // requirements that are not good, or may not stay good
    std::uint32_t stuck = 0;       // requirements and milestones that will not come up by themselves
    std::uint32_t held = 0;        // units that must be down before this one stops
    std::uint32_t conflicting = 0; // active units that conflict with this one
    std::uint32_t leaving = 0;     // units that this one is part of, and that are leaving
    std::uint32_t barred = 0;      // units that this one is part of, and that were stopped by hand
    bool operator==(const Counts&) const = default;
};

// The contribution of a dependency with these facts to the counts of a unit that has it by `relation`.
[[nodiscard]] Counts upward(Relation relation, Facts dependency);
// The contribution of a unit with these facts to the counts of its dependency by `relation` (pulled and held).
[[nodiscard]] Counts downward(Relation relation, Facts dependent);

// The facts of a unit with this record and these counts. `accepts_wishes`: the unit may be started because it was
// requested or is wanted.
[[nodiscard]] Facts facts_of(const Record& record, const Counts& counts, bool accepts_wishes);

} // namespace mi::core
