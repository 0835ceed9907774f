#include "daemon/machine/schedule.hpp"

#include "base/unreachable.hpp"
#include "daemon/machine/shutdown.hpp"
#include "os/file/runtime.hpp"
#include "wire/codec.hpp"

#include <unistd.h>

#include <utility>

namespace mi::daemon {

namespace {

constexpr Span close_by = std::chrono::seconds(10); // a warning so soon after another says nothing new
constexpr char no_logins[] = "/run/nologin";

core::Ending meant(wire::Ending how, bool system) {
    if (!system)
        return core::Ending::exit;
    switch (how) {
    case wire::Ending::poweroff: return core::Ending::poweroff;
    case wire::Ending::reboot: return core::Ending::reboot;
    case wire::Ending::halt: return core::Ending::halt;
    case wire::Ending::kexec: return core::Ending::kexec;
    }
    unreachable("there is no other ending");
}

void open_logins() {
    (void)::unlink(no_logins); // gone already: the better
}

} // namespace

Span Schedule::time_to(const ScheduledEnd& end) const {
    const std::chrono::microseconds at(end.at);
    return end.by_wall ? at - std::chrono::microseconds(context_.kernel.wall_now().micros)
                       : at - context_.kernel.now().since_boot;
}

std::optional<ScheduledEnd> Schedule::set(ScheduledEnd end) {
    context_.now = context_.kernel.now();
    context_.manager_moved = true;
    std::optional<ScheduledEnd> before = std::exchange(end_, std::move(end));
    if (before && before->closed)
        open_logins();
    if (time_to(*end_) > Span{0} && before)
        context_.say(Priority::notice, "instead of what was scheduled: " + log_line(*before, time_to(*before)));
    follow(true);
    return before;
}

std::optional<ScheduledEnd> Schedule::cancel(const std::string& who, const std::string& message, bool no_wall) {
    context_.manager_moved = true;
    std::optional<ScheduledEnd> before = std::exchange(end_, std::nullopt);
    if (!before)
        return before;
    clock_steps_.reset();
    again_ = never;
    if (before->closed)
        open_logins();
    const std::string text = "the scheduled " + std::string(noun(before->how)) + " is cancelled";
    context_.say(Priority::notice, text + ", by " + who);
    if (!no_wall)
        wall_.tell(who, message + (message.empty() ? "" : "\n") + text + ".");
    return before;
}

// Does what is due, and works out when there is something to do again. `tell`: also say how much time is left.
void Schedule::follow(bool tell) {
    again_ = never;
    if (!end_)
        return;
    context_.now = context_.kernel.now();
    const Span left = time_to(*end_);
    if (tell) {
        context_.say(Priority::warning, log_line(*end_, left));
        if (!end_->no_wall)
            wall_.tell(end_->who, warning(*end_, left));
    }
    if (left <= Span{0})
        return begin();
    if (left <= logins_end + close_by && context_.place.system() && !end_->closed)
        close_logins(left);
    if (end_->by_wall && !clock_steps_)
        watch_clock();
    Span next = next_warning(left);
    if (next > Span{0} && left - next < close_by)
        next = next_warning(next);
    again_ = context_.now + (left - next) + std::chrono::milliseconds(1); // not before it, by rounding
}

void Schedule::begin() {
    context_.manager_moved = true;
    const ScheduledEnd end = *std::exchange(end_, std::nullopt);
    clock_steps_.reset();
    if (end.closed && end.warn_only)
        open_logins();
    if (end.warn_only)
        return;
    people_know_ = true;
    shutdown_.begin(meant(end.how, context_.place.system()), 0);
}

// pam_nologin(8) lets only root in while the file is there.
void Schedule::close_logins(Span left) {
    end_->closed = true;
    context_.manager_moved = true;
    if (auto written = os::write_file_atomically(no_logins, warning(*end_, left) + "\n"); !written)
        context_.say(Priority::warning, written.error().text() + "; people can still log in");
}

// Where the wall clock is set, what is left is another time.
void Schedule::watch_clock() {
    auto alarm = os::WallAlarm::make();
    if (!alarm || !alarm->set(std::nullopt))
        return;
    clock_steps_.emplace(ClockSteps{std::move(*alarm), nullptr});
    auto watch = context_.kernel.watch(clock_steps_->alarm.fd(), [this] {
        clock_steps_->alarm.take();
        (void)clock_steps_->alarm.set(std::nullopt); // ECANCELED: it was set again, and we look after that
        follow(true);
    });
    if (watch)
        clock_steps_->watch = std::move(*watch);
}

void Schedule::end_begins(std::string_view what) {
    end_.reset();
    context_.manager_moved = true;
    again_ = never;
    if (!std::exchange(people_know_, true))
        wall_.tell({}, "The system is going down: " + std::string(what) + " now!");
}

void Schedule::save(state::ManagerImage& image) const {
    if (end_)
        wire::encode(image.scheduled, *end_);
}

void Schedule::restore(const state::ManagerImage& image) {
    if (image.scheduled.empty())
        return;
    if (ScheduledEnd end; wire::decode(image.scheduled, end)) {
        end_ = std::move(end);
        follow(false);
    } else {
        context_.say(Priority::err,
                     "the shutdown that was scheduled is of a later version, and dropped: schedule it again");
    }
}

} // namespace mi::daemon
