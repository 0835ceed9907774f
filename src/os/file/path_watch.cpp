// Uses inotify(7) to see removals, and /proc/self/mountinfo to see mounts.
#include "os/file/path_watch.hpp"

#include "os/file/walked_file.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace mi::os {

std::optional<FileIdentity> identity_of(const std::string& path) {
    struct stat about{};
    if (::lstat(path.c_str(), &about) != 0)
        return std::nullopt;
    return FileIdentity{about.st_dev, about.st_ino};
}

PathWatch::PathWatch(Fd watches)
    : inotify_(watches ? Inotify(std::move(watches)) : Inotify()),
      mounts_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)), events_(::epoll_create1(EPOLL_CLOEXEC)) {
    auto add = [this](int fd, std::uint32_t events) {
        epoll_event event{.events = events, .data = {.fd = fd}};
        if (fd >= 0)
            (void)::epoll_ctl(events_.get(), EPOLL_CTL_ADD, fd, &event); // on failure only SIGHUP makes us look
    };
    add(inotify_.fd(), EPOLLIN);
    // The mount table is always readable; poll(2) reports a change once, as an exceptional condition (EPOLLPRI).
    add(mounts_.get(), EPOLLPRI | EPOLLET);
}

void PathWatch::watch(const std::string& directory) {
    constexpr std::uint32_t goings =
        IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    note(inotify_.add(directory.c_str(), goings)); // on failure as above
}

void PathWatch::watch_file(const std::string& path, MountJudge* judge) {
    const Result<WalkedFile> where = WalkedFile::find(path, judge);
    const Result<WorkingDirectory> inside =
        where ? WorkingDirectory::enter(where->directory()) : std::unexpected(where.error());
    if (!inside)
        return;
    // Removing a name changes the attributes of the file (IN_ATTRIB): an open file lives on without a name.
    const int file = inotify_.add(where->name(), IN_ATTRIB | IN_MOVE_SELF | IN_DONT_FOLLOW);
    note(file);
    // If we may not read the file, watch every removal in its directory instead.
    const std::uint32_t goings = file < 0 ? IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO : 0;
    note(inotify_.add(".", goings | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD));
}

void PathWatch::note(int watch) {
    if (watch >= 0 && std::ranges::find(numbers_, watch) == numbers_.end())
        numbers_.push_back(watch);
}

void PathWatch::leave() {
    for (int watch : numbers_)
        inotify_.remove(watch);
    numbers_.clear();
}

void PathWatch::drain() {
    inotify_.read_all([this](const Inotify::Event& event) {
        if ((event.mask & IN_IGNORED) != 0)
            std::erase(numbers_, event.watch); // the watch is removed with the watched object
    });
    std::array<epoll_event, 2> events;
    (void)::epoll_wait(events_.get(), events.data(), static_cast<int>(events.size()), 0);
}

} // namespace mi::os
