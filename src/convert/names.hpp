// Translates names of systemd's units: to targets that miniinit ships, to the units of ours that do the work of systemd's
// own services, or to the same name without its suffix. It also knows the order of the shipped units.
#pragma once

#include "convert/convert.hpp"

#include <string>
#include <string_view>

namespace mi::convert {

// Which kind of directive names the unit.
enum class Naming { pulled_in, after, before, conflict, from_install, triggered };

struct Named {
    std::string name; // empty: there is nothing to name
    Weight weight = Weight::note;
    std::string_view why;    // empty: no remark is needed
    bool order_only = false; // a unit can wait for it, but must not pull it in
};
// Translates `unit`, such as "foo.service". `placeholders`: ${name} and ${instance} in it are placeholders of a template.
[[nodiscard]] Named named(std::string_view unit, Naming naming, bool placeholders = false);

// The name of a unit here: without its suffix; characters that our names cannot have become '_'. Empty if there is none.
[[nodiscard]] std::string own_name(std::string_view unit, bool placeholders = false);

// True if the shipped unit `name` starts after the shipped unit `other`, directly or through others.
[[nodiscard]] bool comes_after(std::string_view name, std::string_view other);

} // namespace mi::convert
