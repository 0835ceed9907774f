// Lists the features of this kernel and environment, for `minictl probe`.
#pragma once

#include "os/cgroup/cgroups.hpp"

#include <string>
#include <vector>

namespace mi::os {

struct Finding {
    std::string feature; // "cgroup v2"
    bool present = false;
    std::string detail;  // what was found: a path, a version
    std::string instead; // if missing: what miniinit does instead
};

// `tree`: the cgroups in use, if the init itself calls this; null: looks for them.
[[nodiscard]] std::vector<Finding> probe(const Cgroups* tree = nullptr);

} // namespace mi::os
