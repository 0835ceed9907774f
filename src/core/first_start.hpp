// How a unit came up for the first time since boot: what a boot chart is drawn from. What became of it later (a restart in
// a week, say) is no part of the boot, so it is not written over.
#pragma once

#include "base/time.hpp"
#include "core/record.hpp"

namespace mi::core {

struct FirstStart {
    Instant waiting{};  // since when it was wanted; unset (the epoch): it never was
    Instant starting{}; // when its start began; unset: it has not
    Instant up{};       // when those that wait for it could go on: up, done or skipped; unset: not yet, or never
    Instant ended{};    // when that was over, or the start had failed; unset: it goes on
    Phase outcome = Phase::down; // what it came to last: up, done, skipped, failed, backoff, stopping, …
    static void fields(auto& self, auto&& visit) {
        visit(self.waiting.since_boot, self.starting.since_boot, self.up.since_boot, self.ended.since_boot,
              self.outcome);
    }

    // The unit went to `to`. After the end of the first start this changes nothing; one that was called off before it had
    // begun does not count.
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
            if (up == Instant{}) // a start that fails is over when nothing of it is left
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
