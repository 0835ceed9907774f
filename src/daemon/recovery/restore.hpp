// What has to be done with the state of the program before us ahead of everything else.
#pragma once

#include "core/unit.hpp"
#include "state/snapshot.hpp"

#include <string>
#include <vector>

namespace mi::daemon {

// Descriptors that are not open after all, or named twice, are taken out, and with them what cannot be without.
void drop_closed(state::Snapshot& state);

// The ids that the state calls units by.
[[nodiscard]] core::Graph::Names ids_of_units(const state::Snapshot& state);

// The units that the state speaks of, besides those in files: instances of templates.
[[nodiscard]] std::vector<std::string> names_of_units(const state::Snapshot& state);

// Units that run, and whose files are gone since: there is one to stop, for each.
void complete_units(const state::Snapshot& state, std::vector<core::Unit>& units);

struct Parts;
// The parts, which are just made and opened, hold what the state says, and go on from there. Nothing is started or stopped by that;
// what was decided and not done is done then, and what has ended meanwhile is collected.
void restore(Parts& parts, state::Snapshot& state);

// carried_over.cpp: the state of an init in another root, but for what goes on in this one.
void leave_behind(state::Snapshot& state);
// And the units to begin with, of those there are here: nothing is up yet but what the state tells of.
void only_carried(const state::Snapshot& state, std::vector<core::Unit>& units);

} // namespace mi::daemon
