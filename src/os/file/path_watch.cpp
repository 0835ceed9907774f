// inotify for what is removed, /proc/self/mountinfo for what is mounted.
#include "os/file/path_watch.hpp"

#include "os/file/walked_file.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
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
    : inotify_(watches ? std::move(watches) : Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK))),
      mounts_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)), events_(::epoll_create1(EPOLL_CLOEXEC)) {
    auto add = [this](const Fd& fd, std::uint32_t events) {
        epoll_event event{.events = events, .data = {.fd = fd.get()}};
        if (fd)
            (void)::epoll_ctl(events_.get(), EPOLL_CTL_ADD, fd.get(), &event); // without: SIGHUP makes us look
    };
    add(inotify_, EPOLLIN);
    // The table of mounts can always be read; that it has changed is said once, as an exception.
    add(mounts_, EPOLLPRI | EPOLLET);
}

void PathWatch::watch(const std::string& directory) {
    constexpr std::uint32_t goings =
        IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    note(::inotify_add_watch(inotify_.get(), directory.c_str(), goings)); // without: as above
}

void PathWatch::watch_file(const std::string& path, MountJudge* judge) {
    const Result<WalkedFile> where = WalkedFile::find(path, judge);
    const Result<WorkingDirectory> inside =
        where ? WorkingDirectory::enter(where->directory()) : std::unexpected(where.error());
    if (!inside)
        return;
    // The loss of a name is a change of its attributes: what is open lives on without one.
    const int file = ::inotify_add_watch(inotify_.get(), where->name(), IN_ATTRIB | IN_MOVE_SELF | IN_DONT_FOLLOW);
    note(file);
    // Where we may not read the file, all that goes away beside it has to tell.
    const std::uint32_t goings = file < 0 ? IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO : 0;
    note(::inotify_add_watch(inotify_.get(), ".", goings | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD));
}

void PathWatch::note(int watch) {
    if (watch >= 0 && std::ranges::find(numbers_, watch) == numbers_.end())
        numbers_.push_back(watch);
}

void PathWatch::leave() {
    for (int watch : numbers_)
        (void)::inotify_rm_watch(inotify_.get(), watch); // fails where the directory is gone, and its watch with it
    numbers_.clear();
}

void PathWatch::drain() {
    alignas(inotify_event) std::array<char, 4096> bytes;
    ssize_t got = 0;
    while (inotify_ && (got = ::read(inotify_.get(), bytes.data(), bytes.size())) > 0)
        for (ssize_t at = 0; at < got;) {
            const auto* event = reinterpret_cast<const inotify_event*>(bytes.data() + at);
            if ((event->mask & IN_IGNORED) != 0)
                std::erase(numbers_, event->wd); // what it watched is gone for good
            at += static_cast<ssize_t>(sizeof *event + event->len);
        }
    std::array<epoll_event, 2> events;
    (void)::epoll_wait(events_.get(), events.data(), static_cast<int>(events.size()), 0);
}

} // namespace mi::os
