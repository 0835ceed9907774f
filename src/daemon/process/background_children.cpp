#include "daemon/process/background_children.hpp"

#include <utility>
#include <vector>

namespace mi::daemon {

void BackgroundChildren::add(pid_t pid, std::function<void()> ended) {
    children_.expect(pid, *this);
    running_.insert_or_assign(pid, std::move(ended));
}

void BackgroundChildren::exited(const os::Exit& exit) {
    if (auto child = running_.extract(exit.pid); !child.empty() && child.mapped())
        child.mapped()();
}

void BackgroundChildren::wait(Span limit) const {
    std::vector<pid_t> pids;
    for (const auto& [pid, ended] : running_)
        pids.push_back(pid);
    kernel_.await(pids, limit);
}

} // namespace mi::daemon
