// What this kernel and this place offer us, for `minictl probe`.
#pragma once

#include <string>
#include <vector>

namespace mi::os {

struct Finding {
    std::string feature; // "cgroup v2"
    bool present = false;
    std::string detail;  // what was found: a path, a version
    std::string instead; // where it is missing: what is done instead
};

[[nodiscard]] std::vector<Finding> probe();

} // namespace mi::os
