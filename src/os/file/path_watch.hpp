// Reports when an entry of a watched directory, or a watched file, goes away, and when anything was mounted.
#pragma once

#include "base/fd.hpp"
#include "os/file/inotify.hpp"
#include "os/mount/mount_judge.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mi::os {

// Identifies the file at a path, without following links: it changes when the file is replaced or covered by a mount.
using FileIdentity = std::pair<dev_t, ino_t>;
[[nodiscard]] std::optional<FileIdentity> identity_of(const std::string& path);

class PathWatch {
public:
    // `watches` is the inotify descriptor that the previous image has left, or empty.
    explicit PathWatch(Fd watches = {});
    // Readable when a new look is needed; -1: the kernel gives us none.
    [[nodiscard]] int fd() const { return events_.get(); }
    // The descriptor to keep across exec; -1: none. To close it there would take milliseconds (see leave()).
    [[nodiscard]] int watches() const { return inotify_.fd(); }
    // Also report when an entry of `directory`, or the directory itself, is removed or renamed.
    void watch(const std::string& directory);
    // Also report when the file at `path` (walked as a path that a unit names), or its directory, is removed, renamed
    // or replaced. Unlike watch() this ignores other entries, so it suits a directory that many programs use.
    void watch_file(const std::string& path, MountJudge* judge = nullptr);
    // Removes all watches. Call it some time before this object (or the process) ends: the kernel needs milliseconds to
    // forget a watch, and closing a descriptor with a watch waits for that.
    void leave();
    // Reads and discards the reported events.
    void drain();

private:
    void note(int watch);

    Inotify inotify_;
    Fd mounts_, events_;
    std::vector<int> numbers_; // inotify watch descriptors
};

} // namespace mi::os
