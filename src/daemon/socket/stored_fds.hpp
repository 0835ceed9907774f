// What a unit has at run time of descriptors that it has sent: those that are kept for it, and those that are still to be closed.
#pragma once

#include "base/fd.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::daemon {

struct StoredFd {
    Fd fd;
    std::string name;
    bool watched = false; // for a hang-up
};

// One child at a time closes them: a child may never end.
struct UnwantedFds {
    std::vector<Fd> waiting;
    pid_t closer = 0;
};

} // namespace mi::daemon
