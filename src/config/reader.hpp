// Turns a tree into a unit, or into the manager's settings: looks up and reads every key, and refuses contradictions.
// load.cpp supplies the trees.
#pragma once

#include "config/document.hpp"
#include "core/unit.hpp"

namespace mi::config {

// The unit `name` from its merged tree. If `name` has an instance (the part after the '@'), `${instance}` is replaced.
// Problems go into `reading`; the unit's fault is the first error. `bare_is_service`: see Source.
[[nodiscard]] core::Unit read_unit(Reading& reading, Node& tree, std::string_view name, bool bare_is_service);

// Reads [manager], [log] and [defaults] of a bundle's tree; every other table except [units] is unknown.
[[nodiscard]] core::ManagerSettings read_manager(Reading& reading, const Node& tree);

} // namespace mi::config
