// An end of the machine at a set time: people are told of it, logins end (/run/nologin, see pam_nologin(8)), and then it begins.
#pragma once

#include "daemon/context.hpp"
#include "daemon/machine/scheduled_end.hpp"
#include "daemon/machine/wall.hpp"
#include "daemon/subsystem.hpp"
#include "os/process/alarm.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mi::daemon {

class Shutdown;

class Schedule final : public Subsystem {
public:
    Schedule(Context& context, BackgroundChildren& background, Shutdown& shutdown)
        : context_(context), wall_(context, background), shutdown_(shutdown) {}

    // Schedules an end; one whose time has passed begins now. Gives back the one that was scheduled before.
    std::optional<ScheduledEnd> set(ScheduledEnd end);
    std::optional<ScheduledEnd> cancel(const std::string& who, const std::string& message, bool no_wall);
    [[nodiscard]] const std::optional<ScheduledEnd>& pending() const { return end_; }
    [[nodiscard]] Span time_to(const ScheduledEnd& end) const;

    // An end begins, scheduled or not: people are told, if they were not told yet; `what`: "reboot".
    void end_begins(std::string_view what);
    // Of the end that comes next people are not told.
    void keep_quiet() { people_know_ = true; }

    [[nodiscard]] Instant next_deadline() const override { return again_; }
    void due(Instant) override { follow(true); }

    void save(state::ManagerImage& image) const override;
    void restore(const state::ManagerImage& image) override;

private:
    void follow(bool tell);
    void close_logins(Span left);
    void watch_clock();
    void begin();

    struct ClockSteps { // tells that the wall clock was set
        os::WallAlarm alarm;
        std::unique_ptr<loop::Watch> watch;
    };

    Context& context_;
    Wall wall_;
    Shutdown& shutdown_;
    std::optional<ScheduledEnd> end_;
    Instant again_ = never; // when it is looked at again
    std::optional<ClockSteps> clock_steps_;
    bool people_know_ = false; // that the end has begun
};

} // namespace mi::daemon
