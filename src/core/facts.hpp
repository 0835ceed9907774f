// What a unit's neighbours need to know of it, and what it counts of theirs. Both are computable from the records at any
// time; keeping them saves looking at every neighbour after every event, and facts.cpp has the full computation that the
// tests hold the kept one against.
#pragma once

#include "core/graph.hpp"
#include "core/record.hpp"

namespace mi::core {

// Of one unit.
struct Facts {
    bool wanted : 1 = false;  // somebody asked for it, or something that runs needs it
    bool pulls : 1 = false;   // it wants what it depends on to be up
    bool keep : 1 = false;    // if it is up it may stay up
    bool good : 1 = false;    // it satisfies who requires it
    bool came_up : 1 = false; // it satisfies who has it as a milestone
    bool coming : 1 = false;  // its (first) start is still to come or going on
    bool hopeful : 1 = false; // it is good, or may become so without anybody asking
    bool lost : 1 = false;    // who requires it fails
    bool active : 1 = false;  // it has something to stop
    bool operator==(const Facts&) const = default;
};

// Over the neighbours of one unit.
struct Counts {
    std::uint32_t pulled = 0;      // units that pull it
    std::uint32_t blocked = 0;     // dependencies that are not yet as its start needs them
    std::uint32_t failed = 0;      // dependencies it cannot do without that are lost
    std::uint32_t unkept = 0;      // requirements that are not good, or may not stay so
    std::uint32_t stuck = 0;       // requirements and milestones that nobody is going to bring up
    std::uint32_t held = 0;        // units that have to be down before it stops
    std::uint32_t conflicting = 0; // active units it conflicts with
    bool operator==(const Counts&) const = default;
};

// What a dependency with these facts counts for in a unit that has it by `relation`.
[[nodiscard]] Counts upward(Relation relation, Facts dependency);
// What a unit with these facts counts for in a dependency it has by `relation` (pulled and held).
[[nodiscard]] Counts downward(Relation relation, Facts dependent);

// The facts of a unit with this record and these counts; `open`: new starts are still accepted from this unit's asking.
[[nodiscard]] Facts facts_of(const Record& record, const Counts& counts, bool accepts_wishes);

} // namespace mi::core
