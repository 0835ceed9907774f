// When a service that ended is tried again, and after how long.
#pragma once

#include "base/unreachable.hpp"
#include "core/record.hpp"
#include "core/unit.hpp"

#include <algorithm>

namespace mi::core {

// Whether an end of one of the service's processes counts as a success: `success-exit`.
[[nodiscard]] inline bool succeeded(const Service& service, const ExitStatus& exit) {
    const auto& list = service.success_exit;
    if (list.empty())
        return exit.kind == ExitStatus::Kind::code && exit.number == 0;
    return std::any_of(list.begin(), list.end(), [&](const SuccessExit& good) {
        return good.signal == (exit.kind == ExitStatus::Kind::signal) && good.number == exit.number;
    });
}

// Whether `policy` starts a service again whose record says how it ended. What cannot get better by itself is not tried again.
[[nodiscard]] constexpr bool restarts(RestartPolicy policy, const Record& record) {
    if (record.hopeless)
        return false;
    switch (policy) {
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

// A run so long that backoff and the limit start afresh: longer than the longest delay, so that they cannot cancel out.
[[nodiscard]] constexpr bool stable_run(const Service& service, Span length) {
    return length > service.restart_delay_max;
}

// The delay before restart number `tries` (from 1) in a row: doubled each time up to the maximum, and up to a quarter
// longer at random (`chance`: any number), so that services that died together do not come back together.
[[nodiscard]] constexpr Span restart_delay(const Service& service, std::uint32_t tries, std::uint64_t chance) {
    Span delay = service.restart_delay;
    for (std::uint32_t i = 1; i < tries && delay < service.restart_delay_max; ++i)
        delay *= 2;
    delay = std::min(delay, std::max(service.restart_delay, service.restart_delay_max));
    // splitmix64, to spread whatever `chance` is
    chance += 0x9e3779b97f4a7c15;
    chance = (chance ^ (chance >> 30)) * 0xbf58476d1ce4e5b9;
    chance = (chance ^ (chance >> 27)) * 0x94d049bb133111eb;
    chance ^= chance >> 31;
    return delay + delay / 4 / 256 * static_cast<std::int64_t>(chance % 257);
}

} // namespace mi::core
