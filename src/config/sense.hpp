// What cannot be true of a unit as a whole, though each key by itself is fine: missing, exclusive and contradictory
// keys.
#pragma once

#include "config/document.hpp"
#include "core/unit.hpp"

namespace mi::config {

void check_listen(Reading& reading, const Node& entry, const core::Listen& listen);

// Also settles the kind of the unit and the defaults that depend on other keys.
void check_unit(Reading& reading, const Node& tree, core::Unit& unit, bool bare_is_service);

} // namespace mi::config
