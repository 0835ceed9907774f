// Decides when the service of a timer runs next, from the unit's `[timer]` and its past runs. Pure: the clocks are
// parameters, and the caller asks for the deadlines. The daemon waits for them, and stores the last run across reboots.
//
// `every` and `after-boot` count on the boot clock (CLOCK_BOOTTIME): it never steps, and includes suspended time.
// `calendar` uses the wall clock (CLOCK_REALTIME), which may be set. The rules when it is:
// - Set forward by up to three hours: it was corrected. If times were skipped, the service runs once, at once.
// - Set forward by more: the skipped times never existed, and nothing runs for them. A persistent timer runs once if a
//   time has come since its last recorded run, as after a reboot.
// - Set back: a time that has run does not run again, if the clock went back by less than the interval from that time
//   to the next one, and by less than three hours. Otherwise the times from the new present on count.
// Any number of missed times, however long ago, causes one run.
#pragma once

#include "calendar/timer.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace mi::calendar {

// The same moment on both clocks.
struct Clocks {
    Span boot{0};  // CLOCK_BOOTTIME
    WallTime wall; // CLOCK_REALTIME
};

// Finds a zone by name; "": the local one. Null: there is no such zone.
class Zones {
public:
    virtual ~Zones() = default;
    [[nodiscard]] virtual const Zone* find(const std::string& name) = 0;
};

class Schedule {
public:
    // The state from before the timer was armed.
    struct Past {
        Span begin{0};                // on the boot clock: the start of `after-boot`
        bool after_boot_done = false; // it has run for `after-boot` in this boot
        std::optional<WallTime> last; // persistent: all times up to here are handled; nullopt: the timer is new
    };

    // Arms the timer. `seed` is constant for the unit and determines the jitter.
    Schedule(Timer timer, std::uint64_t seed, const Past& past, Clocks now, Zones& zones);

    // The next deadline on the boot clock; wall_deadline(): on the wall clock. nullopt: none.
    [[nodiscard]] std::optional<Span> boot_deadline() const;
    [[nodiscard]] std::optional<WallTime> wall_deadline() const { return calendar_at_; }
    [[nodiscard]] bool due(Clocks now) const;
    // The expected time of the next run on the wall clock.
    [[nodiscard]] std::optional<WallTime> next(Clocks now) const;

    // The timer was due, and the caller has tried to run the service: plans the next run.
    void elapse(Clocks now, Zones& zones);
    // The wall clock was set by `by`.
    void stepped(Span by, Clocks now, Zones& zones);
    // The time zone data has changed.
    void replan(Clocks now, Zones& zones) { plan(now, zones); }

    [[nodiscard]] const Timer& timer() const { return timer_; }
    [[nodiscard]] bool after_boot_done() const { return timer_.after_boot && !after_boot_at_; }
    // All times up to here are handled: a persistent timer stores this.
    [[nodiscard]] WallTime last() const { return last_; }
    // The state with which the next program image continues the same timer.
    struct State {
        std::optional<Span> after_boot_at;
        Span every_from{0};
        bool every_resumed = false, fresh = false;
        WallTime cursor, last;
        Span not_before{0};
    };
    [[nodiscard]] State state() const {
        return {after_boot_at_, every_from_, every_resumed_, new_, cursor_, last_, not_before_};
    }
    void go_on(const State& state, Clocks now, Zones& zones);
    // A zone that an expression names and that does not exist; empty: none.
    [[nodiscard]] const std::string& missing_zone() const { return missing_zone_; }

private:
    [[nodiscard]] Span jitter(std::int64_t occurrence) const;
    [[nodiscard]] Span every_due() const;
    void resume_every(Clocks now);
    [[nodiscard]] WallTime believed(WallTime last, Clocks now, Zones& zones);
    [[nodiscard]] std::optional<WallTime> occurrence_after(WallTime after, Zones& zones);
    void plan(Clocks now, Zones& zones);

    Timer timer_;
    std::uint64_t seed_;

    std::optional<Span> after_boot_at_; // nullopt: there is none, or it has run
    Span every_from_{0};                // a handled time of `every`; the next is `every` later
    bool every_resumed_ = false;        // it was computed from the last run before this boot

    WallTime cursor_; // times of the calendar up to here are handled
    WallTime last_;
    bool new_ = false;                    // no run is recorded: the timer is new in this boot, and has not run since
    std::optional<WallTime> calendar_at_; // the next time of the calendar, with its jitter
    std::optional<Span> catch_up_at_;     // or the time to make up for a missed one
    Span not_before_{0};                  // limits how often the service runs
    std::string missing_zone_;
};

} // namespace mi::calendar
