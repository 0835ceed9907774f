#include "daemon/timer/timers.hpp"

#include "base/hash.hpp"
#include "os/file/runtime.hpp"

#include <sys/utsname.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

namespace mi::daemon {

namespace {

// Two clocks that are read one after the other differ by a little; slewing moves both alike.
constexpr Span noise = std::chrono::milliseconds(100);

} // namespace

Timers::Settings timer_settings(const Kernel& kernel, const Place& place) {
    Timers::Settings settings;
    settings.stamp_directory = place.state_directory + "/timers";
    if (const char* rule = std::getenv("TZ"))
        settings.zones.rule = rule;
    if (!place.system()) // a machine's boot is its kernel's, a container's is ours
        settings.begin = kernel.clocks().boot;
    utsname name{};
    ::uname(&name); // cannot fail
    settings.seed = fnv(os::read_file("/etc/machine-id", 64).value_or(name.nodename));
    return settings;
}

Timers::Timers(Kernel& kernel, Listener& listener, Settings settings)
    : kernel_(kernel), listener_(listener), settings_(std::move(settings)), zones_(settings_.zones),
      stamps_(settings_.stamp_directory, [this](pid_t child) { listener_.child_made(child); }),
      hanging_(settings_.mountinfo) {}

void Timers::trouble(const std::string& text) {
    if (said_.insert(text).second)
        listener_.timer_trouble(text);
}

std::optional<Stamp> Timers::stamp_of(const std::string& name) {
    // One that a server may never give us is not asked for.
    auto stamp = hanging_.cover(stamps_.directory())
                     ? fault(0, "read when it ran last: a server may be waited for in", stamps_.directory())
                     : stamps_.read(name);
    if (stamp)
        return *stamp;
    trouble(name + ": " + stamp.error().text() + "; it counts as new");
    return std::nullopt;
}

// The schedule of a unit from now on. `before`: the one it had, whose runs count.
calendar::Schedule Timers::plan(const calendar::Timer& timer, const std::string& name, Armed* before,
                                std::optional<Stamp>& stamp) {
    calendar::Schedule::Past past{.begin = settings_.begin, .after_boot_done = after_boot_done_.contains(name)};
    if (before != nullptr)
        stamp = before->stamp;
    if (timer.persistent && !stamp)
        stamp = stamp_of(name);
    if (timer.persistent && stamp)
        past.last = stamp->at;
    zones_.refresh();
    calendar::Clocks now = kernel_.clocks();
    if (!reference_)
        reference_ = now;
    return {timer, fnv(name, fnv_basis ^ settings_.seed), past, now, zones_};
}

void Timers::arm(core::UnitId id, const core::Unit& unit) {
    if (!unit.timer)
        return;
    if (auto at = armed_.find(id); at != armed_.end() && at->second.name == unit.name)
        return; // a run is over; its times go on as they were
    std::optional<Stamp> stamp;
    calendar::Schedule schedule = plan(*unit.timer, unit.name, nullptr, stamp);
    Armed& armed = armed_.insert_or_assign(id, Armed{unit.name, std::move(schedule), stamp}).first->second;
    if (stamp && stamp->ran && !last_run_.contains(id))
        last_run_[id] = stamp->at;
    if (unit.timer->persistent && !stamp)
        save(armed, false);
    set_alarms();
}

void Timers::disarm(core::UnitId id) {
    if (armed_.erase(id) != 0)
        set_alarms();
}

bool Timers::tell(core::UnitId id, const std::string& name, state::TimerImage& image) const {
    image.after_boot_done = after_boot_done_.contains(name);
    if (auto at = last_run_.find(id); at != last_run_.end())
        image.last_run = at->second.micros;
    if (auto at = armed_.find(id); at != armed_.end()) {
        const calendar::Schedule::State state = at->second.schedule.state();
        image.armed = true;
        image.ran = at->second.ran;
        image.after_boot_at = state.after_boot_at;
        image.every_from = state.every_from;
        image.every_resumed = state.every_resumed;
        image.fresh = state.fresh;
        image.cursor = state.cursor.micros;
        image.last = state.last.micros;
        image.not_before = state.not_before;
    }
    return image.armed || image.after_boot_done || image.last_run;
}

void Timers::go_on(core::UnitId id, const core::Unit& unit, const state::TimerImage& image) {
    if (image.after_boot_done)
        after_boot_done_.insert(unit.name);
    if (image.last_run)
        last_run_[id] = WallTime{*image.last_run};
    if (!image.armed || !unit.timer)
        return;
    arm(id, unit);
    Armed& armed = armed_.at(id);
    armed.ran = image.ran;
    armed.schedule.go_on({image.after_boot_at, image.every_from, image.every_resumed, image.fresh,
                          WallTime{image.cursor}, WallTime{image.last}, image.not_before},
                         kernel_.clocks(), zones_);
    set_alarms();
}

void Timers::began(core::UnitId id) { last_run_[id] = kernel_.wall_now(); }

// Writes down up to when a persistent timer is dealt with.
void Timers::save(Armed& armed, bool ran) {
    if (!armed.schedule.timer().persistent)
        return;
    armed.stamp = Stamp{armed.schedule.last(), ran || (armed.stamp && armed.stamp->ran)};
    armed.unsaved = true; // until the child says otherwise
    stamps_.write(armed.name, *armed.stamp);
}

bool Timers::exited(pid_t pid, int code) {
    auto written = stamps_.exited(pid, code);
    if (!written)
        return false;
    bool early = false;
    for (auto& [id, armed] : armed_)
        if (armed.name == written->unit) {
            armed.unsaved = written->error != 0;
            // Before the root is made writable that is as it should be: there will be another try, and nothing has run.
            early = written->error == EROFS && armed.stamp && !armed.stamp->ran;
        }
    const bool older = written->error == EEXIST; // there is an older record after all
    if (older && !hanging_.cover(stamps_.directory()))
        storage_changed();
    else if (!older && written->error != 0 && !early)
        trouble("cannot store when " + written->unit + " ran last: " + stamps_.directory() + ": " +
                std::strerror(written->error));
    return true;
}

void Timers::storage_changed() {
    bool planned = false;
    for (auto& [id, armed] : armed_) {
        if (!armed.schedule.timer().persistent)
            continue;
        // Armed before its record could be read: nothing has been done by it yet that would have to be kept.
        if (std::optional<Stamp> found = armed.ran ? std::nullopt : stamp_of(armed.name);
            found && found != armed.stamp) {
            armed.stamp = found;
            armed.schedule = plan(calendar::Timer(armed.schedule.timer()), armed.name, &armed, armed.stamp);
            armed.unsaved = false;
            planned = true;
            if (found->ran && !last_run_.contains(id))
                last_run_[id] = found->at;
        } else if (armed.unsaved && armed.stamp) {
            stamps_.write(armed.name, *armed.stamp);
        }
    }
    if (planned)
        set_alarms();
}

void Timers::forget(core::UnitId id) {
    last_run_.erase(id);
    disarm(id);
}

void Timers::reread(const core::Graph& graph) {
    std::erase_if(armed_, [&](const auto& one) { return !graph.unit(one.first).timer; });
    for (auto& [id, armed] : armed_) {
        const calendar::Timer& timer = *graph.unit(id).timer;
        if (timer == armed.schedule.timer())
            continue;
        const bool known = armed.stamp.has_value();
        armed.schedule = plan(timer, armed.name, &armed, armed.stamp);
        if (timer.persistent && !known && !armed.stamp)
            save(armed, false);
    }
    zones_may_have_changed();
}

void Timers::zones_may_have_changed() {
    zones_.refresh();
    for (auto& [id, armed] : armed_)
        armed.schedule.replan(kernel_.clocks(), zones_);
    set_alarms();
}

// Whether somebody has set the wall clock since the last look.
void Timers::look_for_a_step(calendar::Clocks now) {
    if (!reference_)
        return;
    Span wall = std::chrono::microseconds(now.wall.micros - reference_->wall.micros);
    Span by = wall - (now.boot - reference_->boot);
    if (by < noise && by > -noise)
        return;
    reference_ = now;
    for (auto& [id, armed] : armed_) {
        const WallTime before = armed.schedule.last();
        armed.schedule.stepped(by, now, zones_);
        if (armed.schedule.last() != before)
            save(armed, false);
    }
}

// An alarm rang. Which of the clocks it was, and whether it was a time or a step, does not matter: both are looked at.
void Timers::rang() {
    if (boot_alarm_)
        boot_alarm_->take();
    if (wall_alarm_)
        wall_alarm_->take();
    zones_.refresh();
    calendar::Clocks now = kernel_.clocks();
    look_for_a_step(now);
    std::vector<core::UnitId> due;
    for (auto& [id, armed] : armed_) {
        if (!armed.schedule.due(now))
            continue;
        armed.schedule.elapse(now, zones_);
        armed.ran = true;
        if (armed.schedule.after_boot_done())
            after_boot_done_.insert(armed.name);
        save(armed, true);
        due.push_back(id);
    }
    for (core::UnitId id : due)
        listener_.time_has_come(id);
    set_alarms();
}

bool Timers::watch(int fd, std::unique_ptr<loop::Watch>& watch, loop::Loop::Callback callback) {
    auto watched = kernel_.watch(fd, std::move(callback));
    if (watched)
        watch = std::move(*watched);
    else
        trouble(watched.error().text());
    return watched.has_value();
}

void Timers::set_alarms(int attempts) {
    std::optional<Span> boot;
    std::optional<WallTime> wall;
    bool clock_matters = false, zone_matters = false;
    for (auto& [id, armed] : armed_) {
        const calendar::Timer& timer = armed.schedule.timer();
        if (auto at = armed.schedule.boot_deadline(); at && (!boot || *at < *boot))
            boot = at;
        if (auto at = armed.schedule.wall_deadline(); at && (!wall || *at < *wall))
            wall = at;
        clock_matters = clock_matters || !timer.calendar.empty() || timer.persistent;
        for (const calendar::Calendar& calendar : timer.calendar)
            zone_matters = zone_matters || calendar.zone.empty();
        if (!armed.schedule.missing_zone().empty())
            trouble(armed.name + ": there is no time zone " + armed.schedule.missing_zone() +
                    " in /usr/share/zoneinfo: its calendar is left out until there is");
    }
    for (const std::string& complaint : zones_.take_complaints())
        trouble(complaint);
    auto failed = [&](const Fault& fault) { trouble(fault.text() + "; timers do not run"); };
    if (boot && !boot_alarm_) {
        auto made = os::BootAlarm::make();
        if (!made)
            return failed(made.error());
        boot_alarm_.emplace(std::move(*made));
        (void)watch(boot_alarm_->fd(), boot_watch_, [this] { rang(); });
    }
    if (boot_alarm_)
        if (auto set = boot_alarm_->set(boot); !set)
            failed(set.error());
    if (!clock_matters) { // a step need not wake us
        wall_watch_.reset();
        wall_alarm_.reset();
        if (armed_.empty())
            reference_.reset();
    } else if (!wall_alarm_) {
        auto made = os::WallAlarm::make();
        if (!made)
            return failed(made.error());
        wall_alarm_.emplace(std::move(*made));
        reference_ = kernel_.clocks();
        (void)watch(wall_alarm_->fd(), wall_watch_, [this] { rang(); });
    }
    if (Result<> set = wall_alarm_ ? wall_alarm_->set(wall) : Result<>(); !set) {
        if (set.error().code != ECANCELED)
            failed(set.error());
        else if (attempts > 0) { // the clock was set since we looked: what was planned may be wrong
            look_for_a_step(kernel_.clocks());
            return set_alarms(attempts - 1);
        }
    }
    watch_local_zone(zone_matters);
}

void Timers::watch_local_zone(bool wanted) {
    if (!wanted) {
        zone_watch_.reset();
        zones_.unwatch();
    } else if (int fd = zones_.watch(); fd >= 0 && !zone_watch_) {
        (void)watch(fd, zone_watch_, [this] {
            if (zones_.local_changed())
                zones_may_have_changed();
        });
    }
}

Timers::Told Timers::told(core::UnitId id) const {
    Told told;
    if (auto at = armed_.find(id); at != armed_.end())
        told.next = at->second.schedule.next(kernel_.clocks());
    if (auto at = last_run_.find(id); at != last_run_.end())
        told.last = at->second;
    return told;
}

} // namespace mi::daemon
