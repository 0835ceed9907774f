// Tells when something in a watched directory, or a watched file, goes away, or when something was mounted anywhere.
#pragma once

#include "base/fd.hpp"
#include "os/mount/mount_judge.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mi::os {

// What is at a path, links not followed: the same as long as nobody replaces it or mounts over it.
using FileIdentity = std::pair<dev_t, ino_t>;
[[nodiscard]] std::optional<FileIdentity> identity_of(const std::string& path);

class PathWatch {
public:
    // `watches` is what those of the program before us have left, or nothing.
    explicit PathWatch(Fd watches = {});
    // Readable when it is worth a look; -1: the kernel gives us none.
    [[nodiscard]] int fd() const { return events_.get(); }
    // The descriptor to go on with after an exec; -1: none. To close it in between would take milliseconds (see leave()).
    [[nodiscard]] int watches() const { return inotify_.get(); }
    // Also tells when an entry of `directory`, or the directory itself, is removed or renamed.
    void watch(const std::string& directory);
    // Also tells when the file at `path`, which is walked as one that a unit names, or its directory, is removed, renamed or replaced.
    // Unlike watch() it tells of nothing else there: a directory that many use may be watched so.
    void watch_file(const std::string& path, MountJudge* judge = nullptr);
    // Tells of nothing any more. To be called some time before this (or the process) ends: the kernel needs milliseconds to
    // forget a watch, and who closes a descriptor with one waits for that.
    void leave();
    // Takes what was told.
    void drain();

private:
    void note(int watch);

    Fd inotify_, mounts_, events_;
    std::vector<int> numbers_; // of watches
};

} // namespace mi::os
