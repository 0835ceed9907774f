// Everything a unit has at run time besides its record, by the unit's id. The ids never change while PID 1 lives, so nothing here
// ever moves to another unit.
#pragma once

#include "core/engine.hpp"
#include "core/first_start.hpp"
#include "daemon/notify/notify_line.hpp"
#include "daemon/process/owned_directories.hpp"
#include "daemon/socket/stored_fds.hpp"
#include "daemon/socket/unit_sockets.hpp"
#include "loop/loop.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mi::daemon {

struct UnitRun {
    std::string status;       // STATUS= of sd_notify
    std::string trouble;      // ERRNO= and its like, in words
    std::uint64_t digest = 0; // of the unit as it was when it was started
    Instant starting{}, up{}; // of the last start, for the boot times
    core::FirstStart first;   // and of the first one, for the boot chart
    OwnedDirectories own;
    std::vector<std::string> lacks; // protections that its process does without: see start/refusals.hpp
    Fd ready;                       // notify-fd: read end
    std::unique_ptr<loop::Watch> ready_watch;
    std::unique_ptr<NotifyLine> line; // sd_notify: where the present run speaks
    pid_t from_pid_file = 0;          // the main process that the PID file named
    Fd main_end;                      // pidfd of a main process that is no child of ours
    std::unique_ptr<loop::Watch> main_watch;
    std::vector<OpenSocket> sockets;                 // in the order of its file
    std::unique_ptr<UnitConnections> connections;    // none: it was never armed
    std::vector<StoredFd> stored;                    // sd_notify, FDSTORE=1; the oldest first
    std::unique_ptr<UnwantedFds> unwanted;           // of what it has sent; none: all is closed
    std::uint64_t log_lines = 0, log_lost_lines = 0; // as the collector has counted them
    bool postponed = false;                          // its start waits for a process to be had, and that was said
    Instant complained{};                            // of connections that could not be served
    unsigned unsaid = 0;                             // and how often since, in silence
};

class UnitTable {
public:
    // There is a place for each id below `size`.
    void fit(std::size_t size) { runs_.resize(size); }
    [[nodiscard]] core::UnitId size() const { return static_cast<core::UnitId>(runs_.size()); }
    [[nodiscard]] UnitRun& operator[](core::UnitId unit) { return runs_[unit]; }
    [[nodiscard]] const UnitRun& operator[](core::UnitId unit) const { return runs_[unit]; }

private:
    std::vector<UnitRun> runs_;
};

} // namespace mi::daemon
