// Decides whether and after which delay an ended service is restarted.
#pragma once

#include "base/unreachable.hpp"
#include "core/record.hpp"
#include "core/unit.hpp"

#include <algorithm>

namespace mi::core {

[[nodiscard]] inline bool is_one_of(const ExitStatus& exit, const std::vector<Exit>& list) {
    return exit.kind != ExitStatus::Kind::none && std::any_of(list.begin(), list.end(), [&](const Exit& one) {
               return one.signal == (exit.kind == ExitStatus::Kind::signal) && one.number == exit.number;
           });
}

// Whether the end of a process counts as a success (`success-exit`).
[[nodiscard]] inline bool succeeded(const Service& service, const ExitStatus& exit) {
    if (service.success_exit.empty())
        return exit.kind == ExitStatus::Kind::code && exit.number == 0;
    return is_one_of(exit, service.success_exit);
}

// Whether a service with this record is restarted: as `restart-prevent-exit` and `restart-force-exit` say of the end of its main
// process, in this order, and else as `restart` does. A service that would fail again in the same way is not restarted.
[[nodiscard]] inline bool restarts(const Service& service, const Record& record) {
    if (record.hopeless)
        return false;
    // Of an earlier run nothing follows where a command before this one's main process has failed.
    const bool main_ended = record.reason == Reason::exited || record.reason == Reason::watchdog;
    if (const RestartExceptions* exceptions = service.restart_exceptions.get(); exceptions != nullptr && main_ended) {
        if (is_one_of(record.last_exit, exceptions->prevent))
            return false;
        if (is_one_of(record.last_exit, exceptions->force))
            return true;
    }
    switch (service.restart) {
    case RestartPolicy::no: return false;
    case RestartPolicy::always: return true;
    case RestartPolicy::on_failure: return record.own_end != OwnEnd::success;
    case RestartPolicy::on_abnormal:
        return record.own_end != OwnEnd::success &&
               (record.reason == Reason::start_timeout || record.reason == Reason::watchdog ||
                record.reason == Reason::unhealthy ||
                (record.reason == Reason::exited && record.last_exit.kind == ExitStatus::Kind::signal));
    }
    unreachable("there is no other policy");
}

// Whether a run is long enough to reset backoff and limit: it must be longer than the longest delay, otherwise restarts
// with long delays would never reach the limit.
[[nodiscard]] constexpr bool stable_run(const Service& service, Span length) {
    return length > service.restart_delay_max;
}

// The delay before restart number `tries` (from 1) in a row: doubled each time up to the maximum, plus a random part of
// up to a quarter (`chance`: any number), so that services that ended together do not restart together.
[[nodiscard]] constexpr Span restart_delay(const Service& service, std::uint32_t tries, std::uint64_t chance) {
    Span delay = service.restart_delay;
    for (std::uint32_t i = 1; i < tries && delay < service.restart_delay_max; ++i)
        delay *= 2;
    delay = std::min(delay, std::max(service.restart_delay, service.restart_delay_max));
    // splitmix64: makes the bits of `chance` uniform
    chance += 0x9e3779b97f4a7c15;
    chance = (chance ^ (chance >> 30)) * 0xbf58476d1ce4e5b9;
    chance = (chance ^ (chance >> 27)) * 0x94d049bb133111eb;
    chance ^= chance >> 31;
    return delay + delay / 4 / 256 * static_cast<std::int64_t>(chance % 257);
}

} // namespace mi::core
