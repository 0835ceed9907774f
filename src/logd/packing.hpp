// Compressing rotated files (wire/log_pack.hpp), in a process of its own of low priority: one at a time, for one unit.
//
// Each file is done exactly once, wherever that process or the collector is killed: the compressed file is made under a
// hidden name, brought to the disk, and renamed; then the other is removed. Where both are there, that last step is what is
// missing; a hidden file is removed by the next one. If the collector dies so does the process.
#pragma once

#include <sys/types.h>

#include <deque>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace mi::logd {

class Packing {
public:
    Packing() = default;
    ~Packing() { stop(); }
    Packing(const Packing&) = delete;
    Packing& operator=(const Packing&) = delete;

    // The rotated files of that unit are due.
    void want(std::string_view unit);
    // Starts the next one, below that log directory, if none is running. What cannot be started is due again when the unit
    // is rotated again.
    void start(int logs);
    // Readable (its end) when the process has ended; -1: there is none.
    [[nodiscard]] int descriptor() const { return end_.get(); }
    // Takes note of that; the unit that it was about.
    std::string ended();
    // Ends the process, at once; nothing is due any more.
    void stop();

private:
    std::deque<std::string> due_;
    std::string unit_; // of the process
    pid_t pid_ = 0;
    Fd end_;
};

// What the process does: compresses every rotated file in that directory of a unit, oldest first.
void pack_rotated(int unit_directory);

} // namespace mi::logd
