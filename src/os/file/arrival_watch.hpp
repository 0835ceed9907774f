// Reports when something may have come to a path, or gone from it: through directories and links that are not there yet, too.
//
// Every directory on the way is watched for the one name that leads on (inotify(7)), as far as the way exists; a link is followed by
// its text. After each report the way has to be walked again (watch()). Mounts are not seen: inotify does not tell of them.
#pragma once

#include "base/result.hpp"
#include "os/file/inotify.hpp"
#include "os/mount/mount_judge.hpp"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mi::os {

class ArrivalWatch {
public:
    // Readable when something has happened in a watched directory; -1: the kernel gives us none.
    [[nodiscard]] int fd() const { return inotify_.fd(); }
    // Watches these absolute paths, and no others any more. What of them cannot be watched: a directory that we may not read, or
    // what lies on a file system that may hang.
    [[nodiscard]] std::vector<Fault> watch(std::span<const std::string> paths, HangingMounts& hanging);
    // Reads what has happened; true: it was one of the names that lead on.
    [[nodiscard]] bool take_change();

private:
    using Name = std::pair<int, std::string>; // of an entry in the directory with that watch descriptor
    Result<> follow(const std::string& path, MountJudge& judge);
    Result<> note(int directory, const std::string& name, const std::string& about);

    Inotify inotify_;
    std::vector<Name> names_;
};

} // namespace mi::os
