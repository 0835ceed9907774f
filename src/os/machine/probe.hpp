// Lists the features of this kernel and environment, for `minictl probe`.
#pragma once

#include "os/cgroup/cgroups.hpp"

#include <string>
#include <vector>

namespace mi::os {

struct Finding {
    std::string feature; // "cgroup v2"
    bool present = false;
    std::string detail;  // result of the check: a path, a version
    std::string instead; // if missing: the substitute that miniinit uses
};

// `tree`: the cgroups in use, if the init itself calls this; null: looks for them.
[[nodiscard]] std::vector<Finding> probe(const Cgroups* tree = nullptr);

} // namespace mi::os
