// Translates names of systemd's units: to targets that miniinit ships, to our units that do the work of systemd's own
// services, or to the same name without its suffix. Also knows the order of the shipped units.
#pragma once

#include "convert/convert.hpp"

#include <string>
#include <string_view>

namespace mi::convert {

// The kind of directive that names the unit.
enum class Naming { pulled_in, after, before, conflict, from_install, triggered };

struct Named {
    std::string name; // empty: there is no equal
    Weight weight = Weight::note;
    std::string_view why;    // empty: no remark is needed
    bool order_only = false; // a unit can wait for it, but must not pull it in
};
// Translates `unit`, such as "foo.service". `placeholders`: ${name} and ${instance} in it are placeholders of a template.
[[nodiscard]] Named named(std::string_view unit, Naming naming, bool placeholders = false);

// Our name for a unit: without its suffix; characters that our names cannot contain become '_'. Empty if no name is
// possible.
[[nodiscard]] std::string own_name(std::string_view unit, bool placeholders = false);

// True if our own units or miniinit itself do the work of this unit, or it makes no sense without systemd, so that it is never
// converted together with all others.
[[nodiscard]] bool is_done_here(std::string_view unit);

// The reason why a kind of unit cannot be converted; empty if it can.
[[nodiscard]] std::string_view no_such_kind(std::string_view name);

// True if the shipped unit `name` starts after the shipped unit `other`, directly or through others.
[[nodiscard]] bool comes_after(std::string_view name, std::string_view other);

} // namespace mi::convert
