// The timers of all armed units: the schedules (calendar/schedule.hpp) at the clocks of this machine. One alarm for each
// clock, set to the earliest of all, and none while no timer needs it.
#pragma once

#include "calendar/schedule.hpp"
#include "core/graph.hpp"
#include "daemon/kernel.hpp"
#include "daemon/place.hpp"
#include "daemon/timer/stamps.hpp"
#include "daemon/timer/zone_files.hpp"
#include "os/mount/mounts.hpp"
#include "os/process/alarm.hpp"
#include "state/snapshot.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace mi::daemon {

class Timers {
public:
    struct Listener {
        virtual ~Listener() = default;
        virtual void time_has_come(core::UnitId unit) = 0;
        virtual void timer_trouble(const std::string& text) = 0;
        // A child was made whose end exited() wants to hear of.
        virtual void child_made(pid_t) {}
    };
    struct Settings {
        std::string stamp_directory;
        ZoneFiles::Places zones;
        Span begin{0};          // on the boot clock: what `after-boot` counts from
        std::uint64_t seed = 0; // this machine's share of the jitter
        std::string mountinfo = "/proc/self/mountinfo";
    };
    Timers(Kernel& kernel, Listener& listener, Settings settings);

    // The engine wants the unit's times awaited (it may have said so before), or no longer.
    void arm(core::UnitId id, const core::Unit& unit);
    void disarm(core::UnitId id);
    // A run has begun, by the timer or by a request.
    void began(core::UnitId id);
    // Something was mounted or made writable: what is on record may be there only now.
    void storage_changed();
    // Units were read again: changed timers are planned anew.
    void reread(const core::Graph& graph);
    // The unit is gone.
    void forget(core::UnitId id);
    // For the snapshot: where a unit's timer has got to, and going on from there. False: there is nothing to tell.
    [[nodiscard]] bool tell(core::UnitId id, const std::string& name, state::TimerImage& image) const;
    void go_on(core::UnitId id, const core::Unit& unit, const state::TimerImage& image);
    // Whether it was a child of ours that ended; `code`: its exit code, or -1.
    [[nodiscard]] bool exited(pid_t pid, int code);

    // What there is to tell of a unit.
    struct Told {
        std::optional<WallTime> next, last; // the next run, if it is armed; when the last one began
    };
    [[nodiscard]] Told told(core::UnitId id) const;

private:
    struct Armed {
        std::string name;
        calendar::Schedule schedule;
        std::optional<Stamp> stamp; // persistent: what was found or is written
        bool unsaved = false;       // it could not be written yet
        bool ran = false;           // since it was armed
    };
    [[nodiscard]] calendar::Schedule plan(const calendar::Timer& timer, const std::string& name, Armed* before,
                                          std::optional<Stamp>& stamp);
    [[nodiscard]] std::optional<Stamp> stamp_of(const std::string& name);
    void save(Armed& armed, bool ran);
    void rang();
    void zones_may_have_changed();
    void look_for_a_step(calendar::Clocks now);
    void set_alarms(int attempts = 3);
    void watch_local_zone(bool wanted);
    [[nodiscard]] bool watch(int fd, std::unique_ptr<loop::Watch>& watch, loop::Loop::Callback callback);
    void trouble(const std::string& text);

    Kernel& kernel_;
    Listener& listener_;
    Settings settings_;
    ZoneFiles zones_;
    Stamps stamps_;
    os::HangingMounts hanging_;

    std::map<core::UnitId, Armed> armed_;
    std::map<core::UnitId, WallTime> last_run_;
    std::set<std::string> after_boot_done_; // units that have run for `after-boot`: once a boot, armed again or not
    std::set<std::string> said_;            // each trouble is said once

    std::optional<os::BootAlarm> boot_alarm_;
    std::optional<os::WallAlarm> wall_alarm_;
    std::unique_ptr<loop::Watch> boot_watch_, wall_watch_, zone_watch_;
    std::optional<calendar::Clocks> reference_; // where the two clocks stood to each other
};

// What the timers of a manager in that place go by.
[[nodiscard]] Timers::Settings timer_settings(const Kernel& kernel, const Place& place);

} // namespace mi::daemon
