#include "daemon/machine/boot_result.hpp"

#include "base/count.hpp"
#include "core/explain.hpp"
#include "daemon/machine/builtin.hpp"
#include "daemon/machine/shutdown.hpp"
#include "os/process/children.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace mi::daemon {

using core::Event;
using core::Phase;
using core::UnitId;

namespace {

constexpr const char* mounted_name = "sysinit"; // then there is what a command of the boot may need
constexpr Span longest_mounting = std::chrono::seconds(90);
constexpr Span longest_command = std::chrono::seconds(100); // beyond its start-timeout
constexpr Span longest_storing = std::chrono::seconds(30);  // of what boot-good and boot-bad wait for
constexpr Span least_run = std::chrono::seconds(1);         // of a service that says nothing of itself

// Of a oneshot.
bool over(Phase phase) {
    return phase == Phase::done || phase == Phase::failed || phase == Phase::down || phase == Phase::skipped ||
           phase == Phase::invalid;
}

} // namespace

BootResult::BootResult(Context& context, BootTarget& target, BootRecord& record, Shutdown& shutdown,
                       const std::string& slot)
    : context_(context), target_(target), record_(record), shutdown_(shutdown),
      attempts_(context.place.state_directory, slot, [this](pid_t child) { context_.children.expect(child, *this); }) {
    target.serve(*this);
}

UnitId BootResult::default_target() const { return context_.graph().find(context_.settings.default_target); }

void BootResult::enter(Stage stage, Instant until) {
    stage_ = stage;
    until_ = until;
    good_at_ = never;
    context_.manager_moved = true;
}

std::string BootResult::too_many_words() const {
    const unsigned boots = context_.settings.boot_attempts;
    const std::string& name = target_.name();
    return "the last " + (boots == 1 ? "boot" : counted(boots, "boot")) + " did not reach " + name +
           (context_.settings.boot_failure == core::BootFailure::rescue
                ? " (`minictl target " + name + "` tries again, and so does the next boot)"
                : "");
}

void BootResult::boot(const std::string& target, bool counts) {
    if (!context_.place.system())
        return target_.boot(target);
    const core::ManagerSettings& settings = context_.settings;
    target_.aim(target);
    why_.clear();
    stays_ = false;
    enter(Stage::unjudged, never);
    const bool keeps = settings.boot_failure != core::BootFailure::rescue && !settings.boot_bad.empty();
    const bool too_many = attempts_.begin(settings.boot_attempts, counts, keeps);
    begins_ = true;
    const Span bound = settings.boot_timeout;
    if (!counts)
        return target_.boot(target);
    if (too_many && !settings.boot_bad.empty()) {
        const UnitId mounted = context_.graph().find(mounted_name);
        enter(Stage::mounting, context_.now + (bound > Span{0} ? bound : longest_mounting));
        if (mounted == core::no_unit)
            until_ = context_.now;
        else
            context_.apply({.kind = Event::Kind::wish, .unit = mounted});
    } else if (too_many && settings.boot_failure == core::BootFailure::rescue) {
        why_ = too_many_words();
        target_.boot(target, why_);
    } else {
        if (too_many)
            context_.say(Priority::err, too_many_words() + "; trying again");
        enter(Stage::open, bound > Span{0} ? context_.now + bound : never);
        target_.boot(target);
    }
}

bool BootResult::in_the_way(UnitId unit) const {
    const core::Record& record = context_.record(unit);
    return !core::good(record) || record.health == core::Health::unhealthy;
}

// A service that ended badly before has to run for as long as makes its restarts be forgotten, and one that says nothing of
// itself for a moment: it may end as soon as it has begun.
BootResult::Judgement BootResult::judge() const {
    const core::Graph& graph = context_.graph();
    Judgement judgement;
    std::vector<UnitId> to_see{default_target()};
    if (const UnitId complete = graph.find(complete_name); complete != core::no_unit)
        to_see.push_back(complete);
    for (UnitId id : to_see)
        if (id == core::no_unit || !core::good(context_.record(id)))
            return {id, never};
    std::vector<bool> seen(graph.size());
    while (!to_see.empty()) {
        const UnitId id = to_see.back();
        to_see.pop_back();
        const core::Record& record = context_.record(id);
        const core::Unit& unit = graph.unit(id);
        if (in_the_way(id))
            return {id, never};
        if (unit.kind == core::Kind::service && record.phase == Phase::up && record.stage != core::Stage::idle) {
            if (record.tries > 0)
                judgement.at = std::max(judgement.at, record.since + unit.service.restart_delay_max);
            else if (unit.service.type == core::ServiceType::simple && !unit.health)
                judgement.at = std::max(judgement.at, record.since + least_run);
        }
        for (const core::Edge& edge : graph.needs(id))
            if (edge.relation == core::Relation::requirement && !seen[edge.unit]) {
                seen[edge.unit] = true;
                to_see.push_back(edge.unit);
            }
    }
    return judgement;
}

// What the next boot is to know, as soon as it can be written.
void BootResult::store() {
    if (!why_.empty())
        record_.write("bad: " + why_);
    else
        record_.write(stage_ == Stage::open                              ? "open"
                      : stage_ == Stage::good || stage_ == Stage::proven ? "good"
                                                                         : "other");
}

// Runs boot-good or boot-bad. False: there is none.
bool BootResult::run(std::string_view result, const core::Command& command) {
    if (command.empty())
        return false;
    const std::string name = "boot-" + std::string(result);
    core::Unit unit = boot_command(name, command);
    unit.process = std::make_unique<core::Process>();
    auto say = [&](const char* variable, std::string value) {
        unit.process->environment.emplace_back(variable, std::move(value));
    };
    say("BOOT_RESULT", std::string(result));
    say("BOOT_ATTEMPT", std::to_string(attempts_.number()));
    say("BOOT_ATTEMPTS", std::to_string(context_.settings.boot_attempts));
    say("BOOT_REASON", why_);
    const UnitId there = context_.graph().find(name);
    if (there == core::no_unit || context_.unit(there).source.empty()) { // else somebody has a unit of that name
        context_.engine.add(std::move(unit), context_.now);
        context_.units.fit(context_.graph().size());
    }
    context_.apply({.kind = Event::Kind::wish, .unit = context_.graph().find(name)});
    return true;
}

void BootResult::good() {
    enter(Stage::proven, context_.now + longest_storing);
    store();
    attempts_.clear();
}

// The last try of this system: boot-bad has to give it up, and the machine ends.
bool BootResult::used_up() const {
    return context_.settings.boot_failure != core::BootFailure::rescue &&
           attempts_.number() >= context_.settings.boot_attempts;
}

void BootResult::bad(const std::string& why) {
    why_ = why;
    const bool runs = !context_.settings.boot_bad.empty();
    stays_ = stays_ && context_.settings.boot_failure == core::BootFailure::rescue;
    enter(runs ? Stage::failed : Stage::bad, context_.now + longest_storing);
    store();
    if (!runs && context_.settings.boot_failure == core::BootFailure::rescue)
        conclude();
}

void BootResult::conclude() {
    if (context_.settings.boot_failure != core::BootFailure::rescue) {
        until_ = never; // now the shutdown has its own bound
        return end_machine(why_);
    }
    enter(Stage::unjudged, never);
    attempts_.let_go();
    if (!stays_)
        return target_.go_instead(why_);
    target_.set_note(why_);
    context_.say(Priority::err, why_);
}

void BootResult::end_machine(const std::string& why) {
    const bool off = context_.settings.boot_failure == core::BootFailure::poweroff;
    context_.say(Priority::err, why + (off ? "; powering off" : "; rebooting") + ", as boot-failure says");
    shutdown_.begin(off ? core::Ending::poweroff : core::Ending::reboot, 0);
}

bool BootResult::target_failed(const std::string& why) {
    switch (stage_) {
    case Stage::open: bad(why); return true;
    case Stage::mounting:
    case Stage::failed:
    case Stage::bad: return true;
    case Stage::proven:
    case Stage::good:
        if (context_.settings.boot_failure == core::BootFailure::rescue)
            return false;
        end_machine(why);
        return true;
    case Stage::unjudged: break;
    }
    return false;
}

// A user who asks for another target is at the machine, and sees to it.
void BootResult::target_asked(const std::string& target) {
    if (stage_ == Stage::open && context_.graph().find(target) == default_target())
        return;
    if (stage_ == Stage::proven)
        return; // it is good, and boot-good has not heard of it
    enter(Stage::unjudged, never);
    attempts_.let_go();
}

Instant BootResult::next_deadline() const { return context_.engine.halting() ? never : std::min(until_, good_at_); }

void BootResult::due(Instant now) {
    if (context_.engine.halting())
        return;
    if (stage_ == Stage::open && now >= good_at_)
        return good();
    if (now < until_)
        return;
    if (stage_ == Stage::open) {
        const UnitId id = judge().in_the_way, target = default_target();
        stays_ = target != core::no_unit && core::good(context_.record(target));
        bad("this boot was not good within its boot-timeout" +
            (id == core::no_unit ? "" : ": " + context_.name(id) + ": " + why_not_up(context_.engine, id)));
    } else if (stage_ == Stage::mounting) {
        bad(too_many_words());
    } else if (stage_ == Stage::failed) {
        context_.say(Priority::err, why_ + "; running boot-bad");
        last_try_ = used_up();
        enter(Stage::bad, run("bad", context_.settings.boot_bad) ? now + longest_command : now);
    } else if (stage_ == Stage::bad) {
        if (std::exchange(last_try_, false))
            attempts_.clear();
        conclude();
    } else if (stage_ == Stage::proven) {
        enter(Stage::good, never);
        const core::ManagerSettings& settings = context_.settings;
        (void)run("good", settings.boot_good);
        if (!settings.boot_good.empty() || !settings.boot_bad.empty() || settings.boot_timeout > Span{0})
            context_.say(Priority::notice, "this boot is a good one");
    }
}

Instant BootResult::feed_until() const {
    const Span bound = context_.settings.shutdown_timeout;
    if (stage_ == Stage::open)
        return until_;
    if ((stage_ != Stage::bad && stage_ != Stage::failed && stage_ != Stage::mounting) || until_ == never ||
        bound == Span{0})
        return never;
    return until_ + bound;
}

void BootResult::exited(const os::Exit& exit) {
    auto written = attempts_.exited(exit.pid, exit.kind == os::Exit::Kind::killed ? -1 : exit.code);
    if (!written)
        return;
    if (!written->trouble.empty())
        context_.say(Priority::warning, written->trouble);
    const bool acts =
        context_.settings.boot_failure == core::BootFailure::rescue || !context_.settings.boot_bad.empty();
    if (written->too_many && acts && stage_ == Stage::open && !context_.engine.halting())
        bad(too_many_words());
}

void BootResult::unit_changed(UnitId unit, Phase, Phase to) {
    if (!context_.place.system() || context_.engine.halting())
        return;
    const bool failed = to == Phase::failed && context_.record(unit).phase == Phase::failed;
    const bool reached = core::good(to);
    if (!failed && !reached)
        return;
    const std::string& name = context_.name(unit);
    if (reached && context_.unit(unit).service.type == core::ServiceType::oneshot)
        attempts_.storage_changed(); // it may have mounted it
    if (reached && (name == mounted_name || target_.is(unit)))
        store();
    if (stage_ == Stage::mounting && name == mounted_name)
        until_ = context_.now;
    if (failed && stage_ == Stage::good && name == "boot-good")
        context_.say(Priority::err, "boot-good: " + core::reason(context_.engine, unit));
    if (failed && stage_ == Stage::open && name == complete_name) {
        stays_ = true;
        bad(std::string("cannot reach ") + complete_name + " (" + why_not_up(context_.engine, unit) + ")");
    }
    // Whatever else keeps the boot from being a good one: where the target is reached, the next one need not go to rescue.
    if (reached && unit == default_target() &&
        (stage_ == Stage::unjudged ||
         (stage_ == Stage::open && context_.settings.boot_failure == core::BootFailure::rescue))) {
        attempts_.clear();
        if (!stays_)
            target_.set_note({});
    }
}

void BootResult::turn_ends() {
    if (std::exchange(begins_, false))
        attempts_.storage_changed(); // the fork for it holds up no unit
    if (context_.engine.halting())
        return;
    if (stage_ == Stage::open) {
        if (obstacle_ != core::no_unit && context_.graph().contains(obstacle_) && in_the_way(obstacle_))
            return; // looking for another one in each turn would cost too much
        const Judgement judgement = judge();
        obstacle_ = judgement.in_the_way;
        good_at_ = obstacle_ == core::no_unit ? judgement.at : never;
    } else if (stage_ == Stage::bad && until_ != never) {
        const UnitId command = context_.graph().find("boot-bad");
        const bool has_run = command == core::no_unit || over(context_.record(command).phase);
        if (has_run && std::exchange(last_try_, false))
            attempts_.clear();
        if (has_run && record_.at_rest() && attempts_.at_rest())
            until_ = context_.now;
    } else if ((stage_ == Stage::proven || stage_ == Stage::failed) && record_.at_rest() && attempts_.at_rest()) {
        until_ = context_.now; // due() goes on
    }
}

void BootResult::save(state::ManagerImage& image) const {
    const bool again = stage_ == Stage::proven;
    image.boot_stage = static_cast<std::uint32_t>(again ? Stage::open : stage_);
    image.boot_until = again ? never.since_boot : until_.since_boot;
    image.boot_why = why_;
}

void BootResult::restore(const state::ManagerImage& image) {
    if (!context_.place.system())
        return;
    const Stage stage = image.boot_stage <= static_cast<std::uint32_t>(Stage::failed)
                            ? static_cast<Stage>(image.boot_stage)
                            : Stage::unjudged;
    enter(stage, {image.boot_until});
    why_ = image.boot_why;
    // This boot was counted when it began; it may still be a good one.
    (void)attempts_.begin(context_.settings.boot_attempts, false);
    last_try_ = stage_ == Stage::bad && used_up();
}

} // namespace mi::daemon
