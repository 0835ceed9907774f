// When a timer's service runs next: one unit's `[timer]` and what has been of it so far. Pure: the clocks are parameters,
// and the deadlines are asked for; who waits for them, and how the last run is remembered over reboots, is the daemon's.
//
// `every` and `after-boot` count on the boot clock (CLOCK_BOOTTIME): it knows no steps, and what was slept through counts.
// `calendar` goes by the wall clock (CLOCK_REALTIME), which may be set. The rules when it is:
// - Set forward by up to three hours, it was put right: a time that was passed over runs at once, once.
// - Set forward by more, those were no times that anybody lived through: nothing runs for them. A persistent timer runs
//   once if a time has come since its last run that is on record, as after a reboot.
// - Set back, what has run does not run again, if the clock went back by less than from that time to the next one, and by
//   less than three hours. Else the times of the new present count.
// However long ago it was, however many times were missed: they make one run.
#pragma once

#include "calendar/timer.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace mi::calendar {

// One moment on both clocks.
struct Clocks {
    Span boot{0};  // CLOCK_BOOTTIME
    WallTime wall; // CLOCK_REALTIME
};

// Where zones come from, by name; "": the local one. Null: there is no such zone.
class Zones {
public:
    virtual ~Zones() = default;
    [[nodiscard]] virtual const Zone* find(const std::string& name) = 0;
};

class Schedule {
public:
    // What is known from before it was armed.
    struct Past {
        Span begin{0};                // on the boot clock: from when `after-boot` counts
        bool after_boot_done = false; // it has run for that in this boot
        std::optional<WallTime> last; // persistent: up to when everything is dealt with; nothing: it is new
    };

    // Armed now. `seed` is the unit's own: it makes the jitter.
    Schedule(Timer timer, std::uint64_t seed, const Past& past, Clocks now, Zones& zones);

    // The next deadline on each clock, `boot` and `wall`.
    [[nodiscard]] std::optional<Span> boot_deadline() const;
    [[nodiscard]] std::optional<WallTime> wall_deadline() const { return calendar_at_; }
    [[nodiscard]] bool due(Clocks now) const;
    // The next run as a moment on the wall clock, as far as can be told now.
    [[nodiscard]] std::optional<WallTime> next(Clocks now) const;

    // It was due, and whoever could has run it: what comes next.
    void elapse(Clocks now, Zones& zones);
    // The wall clock was set, by so much.
    void stepped(Span by, Clocks now, Zones& zones);
    // Zones have changed.
    void replan(Clocks now, Zones& zones) { plan(now, zones); }

    [[nodiscard]] const Timer& timer() const { return timer_; }
    [[nodiscard]] bool after_boot_done() const { return timer_.after_boot && !after_boot_at_; }
    // Up to when everything is dealt with: what a persistent timer has to remember.
    [[nodiscard]] WallTime last() const { return last_; }
    // All that a schedule of the same timer needs to go on from here, in another program.
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
    // The zone that an expression names and nobody has; empty: none.
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

    std::optional<Span> after_boot_at_; // nothing: none, or done
    Span every_from_{0};                // a time of `every` that is dealt with; the next is `every` later
    bool every_resumed_ = false;        // that follows from the last run before this boot

    WallTime cursor_; // of the calendar: times up to here are dealt with
    WallTime last_;
    bool new_ = false;                    // nothing is on record of it: it was met in this boot, and has not run since
    std::optional<WallTime> calendar_at_; // the next time of the calendar, with its jitter
    std::optional<Span> catch_up_at_;     // or, a time that has gone by is made up for then
    Span not_before_{0};                  // nothing runs more often than that
    std::string missing_zone_;
};

} // namespace mi::calendar
