// Whether the places by which others find us are still there: tells when something in a directory goes away, or when
// something was mounted anywhere. What is done about it is the daemon's.
#pragma once

#include "base/fd.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

namespace mi::os {

// What is at a path, links not followed: the same as long as nobody replaces it or mounts over it.
using FileIdentity = std::pair<dev_t, ino_t>;
[[nodiscard]] std::optional<FileIdentity> identity_of(const std::string& path);

class Premises {
public:
    Premises();
    // Readable when it is worth a look; -1: the kernel gives us none.
    [[nodiscard]] int fd() const { return events_.get(); }
    // Also tells when an entry of `directory`, or the directory itself, is removed or renamed.
    void watch(const std::string& directory);
    // Takes what was told.
    void drain();

private:
    Fd inotify_, mounts_, events_;
};

} // namespace mi::os
