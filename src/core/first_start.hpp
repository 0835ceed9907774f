// The first start of a unit since boot, from which a boot chart is drawn. Later events (for example a restart a week
// later) do not belong to the boot, so they do not change it.
#pragma once

#include "base/time.hpp"
#include "core/record.hpp"

namespace mi::core {

struct FirstStart {
    Instant waiting{};           // when it was first wanted; the epoch: never
    Instant starting{};          // when its start began; the epoch: it has not
    Instant up{};                // when units that waited for it could go on (up, done or skipped); the epoch: not yet
    Instant ended{};             // when the first run was over, or the start had failed; the epoch: not yet
    Phase outcome = Phase::down; // the last phase of the first start: up, done, skipped, failed, backoff, stopping, …
    static void fields(auto& self, auto&& visit) {
        visit(self.waiting.since_boot, self.starting.since_boot, self.up.since_boot, self.ended.since_boot,
              self.outcome);
    }

    // The unit entered the phase `to`. After the end of the first start this has no effect; a start that was cancelled
    // before it began does not count.
    constexpr void note(Phase to, Instant at) {
        if (ended != Instant{} && starting == Instant{} && outcome == Phase::down)
            *this = {};
        if (ended != Instant{})
            return;
        switch (to) {
        case Phase::waiting:
            if (waiting == Instant{})
                waiting = at;
            return;
        case Phase::starting:
            if (waiting == Instant{})
                waiting = at;
            if (starting == Instant{})
                starting = at;
            outcome = to;
            return;
        case Phase::up:
        case Phase::done:
            if (up == Instant{})
                up = at;
            outcome = to;
            return;
        case Phase::reloading: return;
        case Phase::stopping:
            if (up == Instant{}) // a failed start ends only when no process of it is left
                return;
            ended = at;
            outcome = to;
            return;
        case Phase::skipped: up = at; [[fallthrough]];
        case Phase::backoff:
        case Phase::failed:
        case Phase::invalid:
        case Phase::down:
            if (waiting == Instant{})
                return;
            ended = at;
            outcome = to;
            return;
        }
    }
};

} // namespace mi::core
