// Checks a unit as a whole, whose keys are each valid: missing, exclusive and contradictory keys.
#pragma once

#include "config/document.hpp"
#include "core/unit.hpp"

namespace mi::config {

void check_listen(Reading& reading, const Node& entry, const core::Listen& listen);

// Also sets the unit's kind, and the defaults that depend on other keys.
void check_unit(Reading& reading, const Node& tree, core::Unit& unit, bool bare_is_service);

} // namespace mi::config
