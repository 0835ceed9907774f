#include "daemon/process/pid_files.hpp"

#include "os/file/walked_file.hpp"
#include "os/process/process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mi::daemon {

namespace {
// How a file comes to be there, to say something, and to be such as can be believed (owner and mode); and how the directory
// itself goes away, to be made anew.
constexpr std::uint32_t happenings =
    IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;
} // namespace

PidFiles::PidFiles(Kernel& kernel, os::HangingMounts& hanging) : kernel_(kernel), hanging_(hanging) {}

// Watches the file's directory, or as much of the way there as exists: by a descriptor, so that what is watched is what was
// judged not to hang.
void PidFiles::watch(Awaited& awaited) {
    std::string directory = awaited.path;
    while (inotify_.fd() >= 0 && !awaited.apart && !directory.empty()) {
        directory = directory.substr(0, directory.rfind('/'));
        auto held = os::open_directory_here(directory.empty() ? "/" : directory, hanging_);
        awaited.apart = !held && held.error().code == EXDEV;
        if (!held)
            continue;
        // The directory that was walked to, so that no user can have us wake up for another.
        if (auto watch = inotify_.add_directory(held->get(), happenings)) {
            watches_.insert(*watch);
            return;
        }
    }
}

void PidFiles::await(core::UnitId unit, std::string path, std::optional<uid_t> owner) {
    Awaited& awaited = waiting_[unit];
    awaited = {std::move(path), owner};
    watch(awaited);
}

void PidFiles::forget(core::UnitId unit) {
    if (waiting_.erase(unit) == 0 || !waiting_.empty())
        return;
    // While no unit waits, nothing that happens there is worth waking up for.
    for (int watch : watches_)
        inotify_.remove(watch);
    watches_.clear();
    inotify_.drain(); // the kernel confirms the end of each watch
}

void PidFiles::drain() {
    inotify_.drain();
    for (auto& [unit, awaited] : waiting_)
        watch(awaited);
}

std::vector<std::pair<core::UnitId, Result<pid_t>>> PidFiles::candidates() {
    std::vector<std::pair<core::UnitId, Result<pid_t>>> found;
    for (auto& [unit, awaited] : waiting_) {
        if (awaited.apart)
            continue;
        const os::PathQuestion question = os::question_for_pid_file(awaited.path);
        auto answers = kernel_.answer_here({&question, 1}, hanging_);
        awaited.apart = !answers;
        if (!answers)
            continue;
        found.emplace_back(unit, os::pid_in(awaited.path, answers->front(), awaited.owner));
    }
    return found;
}

bool PidFiles::is_there(const Result<pid_t>& named) {
    const int code = named ? 0 : named.error().code;
    return code != ENOENT && code != ENOTDIR && code != ENODATA;
}

std::vector<core::UnitId> PidFiles::to_look_at(Instant now) {
    std::vector<core::UnitId> units;
    for (auto& [unit, awaited] : waiting_)
        if (awaited.apart && awaited.look_at <= now) {
            awaited.look_at = never;
            units.push_back(unit);
        }
    return units;
}

void PidFiles::looked(core::UnitId unit, Instant again) {
    if (auto at = waiting_.find(unit); at != waiting_.end())
        at->second.look_at = again;
}

Instant PidFiles::next_look() const {
    Instant first = never;
    for (const auto& [unit, awaited] : waiting_)
        if (awaited.apart)
            first = std::min(first, awaited.look_at);
    return first;
}

bool PidFiles::is_news(core::UnitId unit, const std::string& doubt) {
    auto at = waiting_.find(unit);
    return at != waiting_.end() && std::exchange(at->second.doubt, doubt) != doubt;
}

} // namespace mi::daemon
