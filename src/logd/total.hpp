// The bound on what all logs together may take: the oldest rotated files go first, of whatever unit.
//
// What there is is looked at once, as a whole; from then on only the unit of which something has changed, so that a rotation
// costs in proportion to the files of its unit. What is written to is counted as it was when its unit was looked at.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.hpp"

namespace mi::logd {

class Total {
public:
    // Bytes; 0: no bound.
    void use_limit(std::uint64_t limit) { limit_ = limit; }
    // Files of that unit came or went, below that log directory (another one than the last time: everything is looked at
    // anew). Removes what is too much.
    void changed(int logs, std::string_view unit);

private:
    // A rotated file by its age, in the directory of a unit, in one form or both.
    using Key = std::pair<WallTime, std::string>;
    struct Place {
        std::uint64_t size = 0; // of everything in it
        std::set<WallTime> files;
    };

    void look(int logs, const std::string& directory);
    void forget(const std::string& directory);
    void trim(int logs);

    std::uint64_t limit_ = 0, size_ = 0;
    std::pair<dev_t, ino_t> logs_{};
    std::map<std::string, Place, std::less<>> places_; // by name of the directory
    std::map<Key, std::uint64_t> files_;               // their sizes, oldest first
};

} // namespace mi::logd
