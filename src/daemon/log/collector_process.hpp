// The process of the log collector: what it is started with, and when it is started again after it has ended.
#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "daemon/kernel.hpp"
#include "logd/run.hpp"
#include "state/snapshot.hpp"

#include <sys/types.h>

#include <string>

namespace mi::daemon {

class CollectorProcess {
public:
    // `program` is this binary; `console_is_ours`: what it writes to its console goes to our stdout and stderr.
    CollectorProcess(Kernel& kernel, std::string program, bool console_is_ours)
        : kernel_(kernel), program_(std::move(program)), console_is_ours_(console_is_ours) {}

    // 0: there is none.
    [[nodiscard]] pid_t pid() const { return pid_; }

    // Makes the memory and the pipe that each collector takes over from the one before, if they are not there.
    Result<> equip();
    // The same anew: the collector could not use what was there.
    void equip_anew();
    // Starts one, which is given this end of a socket.
    Result<> start(int control);
    // It has ended, and was collected.
    void ended() { pid_ = 0; }

    // It is tried to start one.
    void trying(Instant now);
    // It ended without being asked to. False: so often that it is not to be started at once.
    [[nodiscard]] bool may_start_again(Instant now);
    void try_again_at(Instant at) { start_at_ = at; }
    // It has done its work.
    void works() { failures_ = 0; }
    [[nodiscard]] bool has_failed() const { return failures_ != 0; }
    // When to start one; never: there is one, or none is wanted.
    [[nodiscard]] Instant next_deadline() const { return start_at_; }

    // For the snapshot, and from it: the memory and the pipe.
    void tell(state::ManagerImage& image) const;
    void restore(const state::ManagerImage& image);
    // Goes on with the process of the program before us.
    void adopt(pid_t pid) { pid_ = pid; }

private:
    Kernel& kernel_;
    std::string program_;
    bool console_is_ours_;
    logd::Estate estate_;
    pid_t pid_ = 0;
    unsigned failures_ = 0; // since it worked
    Instant started_{}, start_at_ = never;
};

} // namespace mi::daemon
