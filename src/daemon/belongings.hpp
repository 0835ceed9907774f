// What a unit has besides its processes: directories that go with its run or with its rest, and a network of its own.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "daemon/launch.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace mi::daemon {

struct Belongings {
    Fd network;                         // the namespace of the run's processes, if it is not ours
    std::vector<std::string> temporary; // removed when the run is over
    std::vector<os::Directory> runtime; // removed when the unit is at rest: a restart finds them as they were

    // A process of the run is about to be made.
    void note(const Launch& launch);
    // What goes is removed by a child, whose pid this is: a tree may be large. 0: there was nothing.
    Result<pid_t> end_run();
    // Likewise. They are moved to `aside` first, a directory of ours, under the next `number`: the unit may start again at
    // once.
    Result<pid_t> come_to_rest(const std::string& aside, unsigned long& number);
};

} // namespace mi::daemon
