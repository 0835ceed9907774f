// What systemd's units are called here: the targets that miniinit ships, the services whose work it or its own units do,
// and the order those have among themselves.
#pragma once

#include "convert/convert.hpp"

#include <string>
#include <string_view>

namespace mi::convert {

// In which direction a unit is named.
enum class Naming { pulled_in, after, before, conflict, from_install, triggered };

struct Named {
    std::string name; // empty: nobody to name
    Weight weight = Weight::note;
    std::string_view why;    // empty: nothing to say
    bool order_only = false; // it can be waited for, but not pulled in
};
// `unit` as systemd calls it, "foo.service"; in a template it may have ${name} and ${instance} in it.
[[nodiscard]] Named named(std::string_view unit, Naming naming, bool placeholders = false);

// The name of a unit here: without its suffix, and with nothing in it that a name of ours cannot have. Empty: none.
[[nodiscard]] std::string own_name(std::string_view unit, bool placeholders = false);

// Whether the shipped unit `name` comes after the shipped unit `other` by what it requires, wants or is ordered by.
[[nodiscard]] bool comes_after(std::string_view name, std::string_view other);

} // namespace mi::convert
