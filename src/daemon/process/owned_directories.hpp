// What a unit owns besides its processes: directories that go with its run or when it is at rest, and a network namespace of its own.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "daemon/start/launch.hpp"
#include "os/file/remove.hpp"
#include "os/spawn/spawn.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace mi::daemon {

// Whether one path is the other, or inside it.
[[nodiscard]] bool overlap(std::string first, std::string second);

struct OwnedDirectories {
    Fd network; // the namespace of the run's processes, if it is not ours
    // The child that makes it, until it has; kept from run to run, so that there is one.
    std::optional<os::Start> networking;
    // Removed when the run is over. Those in `aside` are not waited for by the next run: see end_run.
    std::vector<std::string> temporary;
    std::vector<os::Directory> runtime; // removed when the unit is at rest: a restart finds them as they were

    // A process of the run is about to be made.
    void note(const Launch& launch);
    // What goes is removed by a child: a tree may be large. Nothing: there was nothing.
    using Removing = Result<std::optional<os::RemovingChild>>;
    // One that is in the directory `aside` (of credentials, ours alone) gets another name there first, under the next
    // `number`: the next run makes one of the same name.
    Removing end_run(const std::string& aside, unsigned long& number);
    // The unit is at rest, and `other` is one that is not: it gets those of our runtime directories that it uses, too, or
    // that are inside one of its own or around one. So each of them goes with the last unit that uses it.
    void leave_to(OwnedDirectories& other);
    // What is left of them then is removed. They are moved to `aside` first, a directory of ours, under the next `number`:
    // the unit may start again at once. One with something mounted in it stays where it is, and is removed around that.
    Removing come_to_rest(const std::string& aside, unsigned long& number, os::HangingMounts& hanging);
};

} // namespace mi::daemon
