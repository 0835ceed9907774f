// An end at a set time: people are told, logins end, and then it begins. One timer wakes us: the loop's.
#include "daemon/supervisor.hpp"
#include "os/runtime.hpp"
#include "os/terminals.hpp"

#include <unistd.h>

#include <climits>

namespace mi::daemon {

namespace {

constexpr Span close_by = std::chrono::seconds(10); // a warning so soon after another says nothing new
// pam_nologin(8) lets nobody but root in while it is there.
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
    __builtin_unreachable();
}

} // namespace

Span Supervisor::time_to(const ScheduledEnd& end) const {
    const std::chrono::microseconds at(end.at);
    return end.by_wall ? at - std::chrono::microseconds(loop::wall_now().micros) : at - loop::now().since_boot;
}

std::optional<ScheduledEnd> Supervisor::schedule(ScheduledEnd end) {
    context_.now = loop::now();
    context_.manager_moved = true;
    std::optional<ScheduledEnd> before = std::exchange(scheduled_, std::move(end));
    if (before && before->closed)
        open_logins();
    if (time_to(*scheduled_) > Span{0} && before)
        context_.say(Priority::notice, "instead of what was scheduled: " + log_line(*before, time_to(*before)));
    follow_schedule(true);
    return before;
}

std::optional<ScheduledEnd> Supervisor::cancel_scheduled(std::string who, const std::string& message, bool no_wall) {
    context_.manager_moved = true;
    std::optional<ScheduledEnd> before = std::exchange(scheduled_, std::nullopt);
    if (!before)
        return before;
    clock_steps_.reset();
    schedule_again_ = never;
    if (before->closed)
        open_logins();
    const std::string text = "the scheduled " + std::string(noun(before->how)) + " is cancelled";
    context_.say(Priority::notice, text + ", by " + who);
    if (!no_wall)
        tell_people(who, message + (message.empty() ? "" : "\n") + text + ".");
    return before;
}

void Supervisor::resume_schedule(ScheduledEnd end) {
    scheduled_ = std::move(end);
    follow_schedule(false);
}

// Does what is due, and sees to it that we are called again when there is something to do. `tell`: also say how long it is.
void Supervisor::follow_schedule(bool tell) {
    schedule_again_ = never;
    if (!scheduled_)
        return;
    context_.now = loop::now();
    const Span left = time_to(*scheduled_);
    if (tell) {
        context_.say(Priority::warning, log_line(*scheduled_, left));
        if (!scheduled_->no_wall)
            tell_people(scheduled_->who, warning(*scheduled_, left));
    }
    if (left <= Span{0}) {
        context_.manager_moved = true;
        const ScheduledEnd end = *std::exchange(scheduled_, std::nullopt);
        clock_steps_.reset();
        if (end.closed && end.warn_only)
            open_logins();
        if (end.warn_only)
            return;
        people_know_ = true;
        return begin_ending(meant(end.how, context_.place.system()), 0);
    }
    if (left <= logins_end + close_by && context_.place.system() && !scheduled_->closed) {
        scheduled_->closed = true;
        context_.manager_moved = true;
        if (auto written = os::write_file_atomically(no_logins, warning(*scheduled_, left) + "\n"); !written)
            context_.say(Priority::warning, written.error().text() + "; people can still log in");
    }
    // Where the clock is set, what is left is another time.
    if (scheduled_->by_wall && !clock_steps_)
        if (auto alarm = os::WallAlarm::make(); alarm && alarm->set(std::nullopt)) {
            clock_steps_.emplace(ClockSteps{std::move(*alarm), nullptr});
            auto watch = context_.loop.watch(clock_steps_->alarm.fd(), [this] {
                clock_steps_->alarm.take();
                (void)clock_steps_->alarm.set(std::nullopt); // ECANCELED: it was set again, and we look after that
                follow_schedule(true);
            });
            if (watch)
                clock_steps_->watch = std::move(*watch);
        }
    Span next = next_warning(left);
    if (next > Span{0} && left - next < close_by)
        next = next_warning(next);
    schedule_again_ = context_.now + (left - next) + std::chrono::milliseconds(1); // not before it, by rounding
}

void Supervisor::open_logins() {
    (void)::unlink(no_logins); // gone already: the better
}

// Nobody who is logged in is left without a word, whoever asked for the end and how.
void Supervisor::end_has_begun(std::string_view what) {
    scheduled_.reset();
    context_.manager_moved = true;
    schedule_again_ = never;
    if (!std::exchange(people_know_, true))
        tell_people({}, "The system is going down: " + std::string(what) + " now!");
}

void Supervisor::tell_people(const std::string& who, const std::string& text) {
    if (!context_.place.system())
        return;
    char host[HOST_NAME_MAX + 1]{};
    (void)::gethostname(host, HOST_NAME_MAX); // without a name it is told all the same
    auto child = os::write_to_terminals(broadcast(who, host, text));
    if (child)
        background_.add(*child);
    else
        context_.say(Priority::warning, child.error().text() + "; people are not told on their terminals");
}

} // namespace mi::daemon
