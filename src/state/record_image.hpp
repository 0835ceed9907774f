// The saved form of a unit's record. It is older than some enumerations of core::Record: one value there is two or
// three flags here, so that old and new programs can read each other. Only this file uses these flags.
#pragma once

#include "core/record.hpp"
#include "state/numbers.hpp"
#include "wire/codec.hpp"

#include <type_traits>

namespace mi::state {

struct RecordImage : core::Record {
    RecordImage() = default;
    RecordImage(const core::Record& record) : core::Record(record) {} // implicit: the same data in another form

    static void fields(auto& self, auto&& visit) {
        Flags flags(self);
        visit(self.phase, self.asked, self.stage, self.reason, self.hook, flags.rest, flags.restart, self.came_up,
              flags.own_end, flags.success, self.open, self.armed, self.demand, self.frozen, self.hook_index,
              self.main_pid, self.hook_pid, self.tries, self.restarts, self.cause, self.since.since_boot,
              self.up_since.since_boot, self.deadline.since_boot, self.watchdog, self.last_exit, self.detail,
              flags.keep, self.yields_to, flags.again, self.rounds, self.not_before.since_boot, self.hopeless,
              self.health, self.probe_over, self.probe_pid, self.probe_failures, self.probe_successes,
              self.probe_at.since_boot, self.presence);
        if constexpr (!std::is_const_v<std::remove_reference_t<decltype(self)>>) {
            self.own_end = flags.its_own_end();
            self.next = flags.its_next();
        }
    }

private:
    struct Flags {
        bool rest, restart, again, keep; // at most one of them is true
        bool own_end, success;           // success implies own_end
        explicit Flags(const core::Record& record)
            : rest(record.next == core::Next::rest), restart(record.next == core::Next::restart),
              again(record.next == core::Next::again), keep(record.next == core::Next::keep),
              own_end(record.own_end != core::OwnEnd::none), success(record.own_end == core::OwnEnd::success) {}

        [[nodiscard]] core::OwnEnd its_own_end() const {
            if (!own_end)
                return core::OwnEnd::none;
            return success ? core::OwnEnd::success : core::OwnEnd::failure;
        }
        // Programs without the enumeration could save `keep` together with `restart`, for a unit that was stopped for a
        // restart during a switch of the root. That unit must still be stopped.
        [[nodiscard]] core::Next its_next() const {
            if (restart)
                return core::Next::restart;
            if (rest)
                return core::Next::rest;
            if (again)
                return core::Next::again;
            return keep ? core::Next::keep : core::Next::as_wanted;
        }
    };
};

} // namespace mi::state
