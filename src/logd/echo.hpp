// Lines for the console: what services say that is important is shown there, too, as `UNIT: text`. Never waited for: what
// finds no room in the queue for a slow one is in the logs, and the console is told how many lines that are. What PID 1 has to say
// itself comes this way as well, so that it stands behind what it is about.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "wire/log_protocol.hpp"

namespace mi::logd {

class Echo {
public:
    // Shows lines of `level` and what is more important on `device` from now on: a terminal's path, wire::logs::own_output
    // for descriptor 1, or empty for nowhere.
    void use(const std::string& device, wire::logs::Priority level);
    // Lines of a file, whole ones, of `unit`. Those of the init are for `announce`, those of the kernel are left to it.
    void take(std::string_view unit, std::string_view lines);
    // A line of PID 1's own.
    void announce(std::string_view text);
    // Writes what `take` has gathered, as far as the console takes it.
    void flush();
    // What must become writable before the rest can be written; -1: there is no rest.
    [[nodiscard]] int waits_for() const { return queue_.empty() ? -1 : fd_; }

private:
    bool open();
    void put(std::string_view unit, std::string_view text);
    void close();

    std::string device_; // empty: nowhere
    wire::logs::Priority level_ = wire::logs::Priority::emerg;
    Fd own_;
    int fd_ = -1;
    std::string queue_;
    unsigned left_out_ = 0;
};

} // namespace mi::logd
