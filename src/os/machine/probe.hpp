// What this kernel and this place offer us, for `minictl probe`.
#pragma once

#include "os/cgroup/cgroups.hpp"

#include <string>
#include <vector>

namespace mi::os {

struct Finding {
    std::string feature; // "cgroup v2"
    bool present = false;
    std::string detail;  // what was found: a path, a version
    std::string instead; // where it is missing: what is done instead
};

// `tree`: the cgroups that are in use, if it is the init that asks; else they are looked for.
[[nodiscard]] std::vector<Finding> probe(const Cgroups* tree = nullptr);

} // namespace mi::os
