#include "daemon/pid_files.hpp"

#include "os/process.hpp"
#include "os/walked_file.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace mi::daemon {

namespace {
// How a file comes to be there, to say something, and to be such as can be believed (owner and mode); and how the directory
// itself goes away, to be made anew.
constexpr std::uint32_t happenings =
    IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

// The watch, or -1. From inside the directory that was walked to, so that nobody can have us wake up for another.
int watch_directory(int inotify, const std::string& path) {
    auto directory = os::open_walked_file(path, O_PATH | O_DIRECTORY);
    if (!directory)
        return -1;
    auto inside = os::WorkingDirectory::enter(directory->get());
    return inside ? ::inotify_add_watch(inotify, ".", happenings) : -1;
}

} // namespace

PidFiles::PidFiles() : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

// Watches the file's directory, or as much of the way there as exists.
void PidFiles::watch(const std::string& path) {
    if (!inotify_)
        return;
    std::string directory = path;
    do {
        directory = directory.substr(0, directory.rfind('/'));
        if (int watch = watch_directory(inotify_.get(), directory.empty() ? "/" : directory); watch >= 0) {
            watches_.insert(watch);
            return;
        }
    } while (!directory.empty());
}

void PidFiles::await(core::UnitId unit, std::string path, std::optional<uid_t> owner) {
    watch(path);
    waiting_[unit] = {std::move(path), owner, {}};
}

void PidFiles::forget(core::UnitId unit) {
    waiting_.erase(unit);
    if (!waiting_.empty())
        return;
    // With nobody waiting nothing that happens there is worth waking up for.
    for (int watch : watches_)
        (void)::inotify_rm_watch(inotify_.get(), watch); // gone already with its directory: as well
    watches_.clear();
    read_all(); // the kernel confirms the end of each watch
}

void PidFiles::read_all() {
    std::array<char, 4096> events;
    while (inotify_ && ::read(inotify_.get(), events.data(), events.size()) > 0) {
    }
}

void PidFiles::drain() {
    read_all();
    for (const auto& [unit, awaited] : waiting_)
        watch(awaited.path);
}

std::vector<std::pair<core::UnitId, Result<pid_t>>> PidFiles::candidates() const {
    std::vector<std::pair<core::UnitId, Result<pid_t>>> found;
    for (const auto& [unit, awaited] : waiting_) {
        auto pid = os::read_pid_file(awaited.path, awaited.owner);
        int code = pid ? 0 : pid.error().code;
        if (code != ENOENT && code != ENOTDIR && code != ENODATA)
            found.emplace_back(unit, std::move(pid));
    }
    return found;
}

bool PidFiles::is_news(core::UnitId unit, const std::string& doubt) {
    auto at = waiting_.find(unit);
    return at != waiting_.end() && std::exchange(at->second.doubt, doubt) != doubt;
}

void PidFiles::renumber(const std::function<core::UnitId(core::UnitId)>& fresh) {
    std::map<core::UnitId, Awaited> waiting;
    for (auto& [unit, awaited] : waiting_)
        if (core::UnitId now = fresh(unit); now != core::no_unit)
            waiting.emplace(now, std::move(awaited));
    waiting_ = std::move(waiting);
}

} // namespace mi::daemon
