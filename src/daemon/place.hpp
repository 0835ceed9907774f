// Where this manager lives and what it is: worked out once at the start, from the options and what the kernel says.
#pragma once

#include "config/load.hpp"
#include "daemon/options.hpp"

#include <string>
#include <vector>

namespace mi::daemon {

struct Place {
    Mode mode = Mode::container;              // never automatic
    bool first_process = false;               // we are PID 1 of our namespace
    std::string run_directory;                // /run/miniinit
    std::string control;                      // the control socket
    std::string notify;                       // the socket for sd_notify(3)
    std::vector<std::string> log_directories; // best first
    std::string program;                      // this binary, absolute
    config::Source source;                    // of units

    [[nodiscard]] bool system() const { return mode == Mode::system; }
};

// The place that `options` and the environment ask for.
[[nodiscard]] Place find_place(const Options& options);

} // namespace mi::daemon
