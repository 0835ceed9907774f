// What the collector tells PID 1 unasked: streams that ended, lines that were lost, that long work goes on. Each report wakes
// PID 1, so reports are gathered, and there is a bound on how many there are in a time.
#pragma once

#include <algorithm>
#include <vector>

#include "base/time.hpp"
#include "logd/init_socket.hpp"
#include "logd/shared.hpp"
#include "logd/units.hpp"

namespace mi::logd {

class Reports {
public:
    explicit Reports(InitSocket& init) : init_(init) {}

    // The stream has ended: to be told by tell_ended.
    void ended(StreamId id) { ended_.push_back(id); }
    // Tells which streams have ended, when the oldest of these ends has waited long enough, when they are many, or `at_once`.
    void tell_ended(Instant now, bool at_once);
    // When the next report is due.
    [[nodiscard]] Instant next_deadline() const { return std::min(tell_ended_at_, tell_counts_at_); }
    // Tells what was lost, or leaves it out: the logs of the units have the counts in any case.
    void tell_losses(std::vector<wire::logs::Dropped> losses, Instant now);
    // Tells the numbers of lines of the units, some seconds after the first of these lines.
    void tell_counts(Units& units, Instant now);
    // To be called again and again during work that may take longer than PID 1 waits for an answer.
    void tell_progress(Instant now);

private:
    InitSocket& init_;
    std::vector<StreamId> ended_;
    Instant tell_ended_at_ = never, tell_counts_at_ = never;
    Instant progress_told_{};
    Instant losses_since_{}; // a few in each ten seconds
    unsigned losses_ = 0;
};

} // namespace mi::logd
