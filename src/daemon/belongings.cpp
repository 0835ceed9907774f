#include "daemon/belongings.hpp"

#include "os/remove.hpp"
#include "os/runtime.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mi::daemon {

void Belongings::note(const Launch& launch) {
    for (const std::string& path : launch.temporary)
        if (std::ranges::find(temporary, path) == temporary.end())
            temporary.push_back(path);
    for (const os::Directory& directory : launch.runtime)
        if (std::ranges::none_of(runtime, [&](const auto& other) { return other.path() == directory.path(); }))
            runtime.push_back(directory);
}

Result<pid_t> Belongings::end_run() {
    network.reset();
    std::vector<std::string> paths = std::exchange(temporary, {});
    return paths.empty() ? Result<pid_t>(0) : os::remove_trees_apart(paths);
}

Result<pid_t> Belongings::come_to_rest(const std::string& aside, unsigned long& number) {
    std::vector<std::string> paths;
    for (const os::Directory& directory : std::exchange(runtime, {})) {
        if (auto made = os::make_directory(aside, 0700); !made) { // a full /run: then it goes from where it is
            paths.push_back(directory.path());
            continue;
        }
        // After a re-exec the count begins anew, and another's name may be taken: rename(2) refuses one that is not empty.
        std::string to;
        Result<> moved;
        do {
            to = aside + "/" + std::to_string(++number);
            moved = os::set_aside(directory.base, directory.components, to);
        } while (!moved && (moved.error().code == ENOTEMPTY || moved.error().code == EEXIST));
        if (moved)
            paths.push_back(std::move(to));
        else if (moved.error().code == EXDEV || moved.error().code == EBUSY)
            paths.push_back(directory.path());
        else if (moved.error().code != ENOENT) // never made, or gone already
            return std::unexpected(moved.error());
    }
    return paths.empty() ? Result<pid_t>(0) : os::remove_trees_apart(paths);
}

} // namespace mi::daemon
