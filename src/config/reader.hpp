// A tree becomes a unit, or the manager's settings: every key is looked up and read, and what makes no sense together
// is refused. Where trees come from is load.cpp's.
#pragma once

#include "config/document.hpp"
#include "core/unit.hpp"

namespace mi::config {

// The unit `name` from its merged tree. With `instance` (what stands after the '@'), `${instance}` is known. Problems
// go into `reading`; the fault of the unit is its first error. `bare_is_service`: see Source.
[[nodiscard]] core::Unit read_unit(Reading& reading, Node& tree, std::string_view name, bool bare_is_service);

// [manager], [log] and [defaults] of a bundle's tree; every other table but [units] is unknown.
[[nodiscard]] core::ManagerSettings read_manager(Reading& reading, const Node& tree);

} // namespace mi::config
