// Converts all that a system of systemd's would have at a boot: every unit file that is there, enabled as the links in the
// unit directories say, and the init scripts that are started by nothing else. See miniinit-convert(7), LIVE UNITS.
#pragma once

#include "convert/convert.hpp"

#include <string>
#include <vector>

namespace mi::convert {

struct LiveUnits {
    std::vector<Unit> units;           // those that could be made
    std::vector<std::string> masked;   // names of ours
    std::vector<std::string> problems; // one sentence for each unit that is enabled and could not be made
};

// Units that our own stand for (names.hpp, is_done_here()) are left out.
[[nodiscard]] LiveUnits convert_live(const SearchPath& search_path, const Lookup& lookup);

// The search path with what generators have written into `generated`/early, `generated`/normal and `generated`/late:
// systemd.generator(7).
[[nodiscard]] SearchPath live_search_path(std::string root, const std::string& generated);

// True for the name of a generator of systemd itself, whose work is done by miniinit or by convert_live().
[[nodiscard]] bool is_generator_done_here(std::string_view name);

} // namespace mi::convert
