// Where this manager lives and what it is: worked out once at the start, from the options and what the kernel says.
#pragma once

#include "base/fd.hpp"
#include "config/load.hpp"
#include "daemon/options.hpp"

#include <array>
#include <string>
#include <vector>

namespace mi::daemon {

struct Place {
    Mode mode = Mode::container;              // never automatic
    bool first_process = false;               // we are PID 1 of our namespace
    std::string run_directory;                // /run/miniinit
    bool spare = false;                       // it is one that stands in for that (os/file/init_place.hpp)
    std::string control;                      // the control socket
    std::string notify;                       // directory of the sockets for sd_notify(3)
    std::vector<std::string> log_directories; // best first
    std::string state_directory;              // /var/lib/miniinit: what outlives a boot
    // Where those of services are made: runtime, state, logs, cache, configuration.
    std::array<std::string, 5> own_directories;
    std::string program;             // this binary, absolute
    config::Source source;           // of units
    bool takes_foreign_units = true; // those of systemd's directories, if the settings say nothing of them
    std::string complaint;           // what of the surroundings could not be used, or empty

    [[nodiscard]] bool system() const { return mode == Mode::system; }
};

// The place that `options` and the environment ask for.
[[nodiscard]] Place find_place(const Options& options);

// User mode: makes the directories of the place, private to the user, and takes the lock that one manager of them can have;
// also of a directory that stands in for /run/miniinit. A fault where they are not ours, or another manager is there.
[[nodiscard]] Result<Fd> claim_place(const Place& place);

// Removes the transient units that a manager before this one left behind; not those in `but`.
void clear_transient(const Place& place, const std::vector<std::string>& but = {});

} // namespace mi::daemon
