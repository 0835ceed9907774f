// What the engine's effects do to the world.
#include "base/join.hpp"
#include "base/scarce.hpp"
#include "base/text.hpp"
#include "core/explain.hpp"
#include "daemon/machine/builtin.hpp"
#include "daemon/supervisor.hpp"
#include "os/open_file.hpp"
#include "os/walked_file.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace mi::daemon {

using core::Event;
using core::Phase;
using core::Role;

void Supervisor::removing(const core::Unit& unit, Belongings::Removing child) {
    if (!child)
        return context_.logs.line(unit.name, Priority::warning, child.error().text());
    if (!*child)
        return;
    removals_.push_back((*child)->pid);
    removing_.insert_or_assign((*child)->pid, Removal{unit.name, std::move((*child)->left)});
}

// Of its directories those go that no other unit uses.
void Supervisor::come_to_rest(core::UnitId id) {
    Belongings& own = context_.units[id].own;
    for (core::UnitId other : context_.graph().ids())
        if (other != id && !own.runtime.empty() && !context_.units[other].own.runtime.empty()) {
            own.leave_to(context_.units[other].own);
            context_.engine.mark(other);
        }
    removing(context_.unit(id), own.come_to_rest(context_.place.run_directory + "/removed", set_aside_));
}

// A child that removed has ended: what it had to leave is said.
void Supervisor::removed(pid_t child) {
    std::erase(removals_, child);
    auto removal = removing_.extract(child);
    if (removal.empty())
        return;
    std::array<char, PIPE_BUF> text;
    const ssize_t size = ::read(removal.mapped().left.get(), text.data(), text.size());
    for (std::string_view line :
         split(std::string_view(text.data(), static_cast<std::size_t>(std::max(size, ssize_t{0}))), '\n'))
        if (!line.empty())
            context_.logs.line(removal.mapped().unit, Priority::warning, "left where it is: " + std::string(line));
}

void Supervisor::changed(const core::Effect& effect) {
    core::UnitId id = effect.unit;
    const core::Unit& unit = context_.unit(id);
    const core::Record& record = context_.record(id);
    UnitRun& live = context_.units[id];
    live.first.note(effect.to, context_.now);
    for (Subsystem* subsystem : subsystems_)
        subsystem->unit_changed(id, effect.from, effect.to);
    if (context_.observer != nullptr)
        context_.observer->changed(id, effect.from, effect.to);
    switch (effect.to) {
    case Phase::starting:
        live.starting = context_.now;
        live.postponed = false;
        live.status.clear();
        live.trouble.clear();
        break;
    case Phase::up:
    case Phase::done:
        if (effect.from == Phase::starting) {
            live.up = context_.now;
            live.ready_watch.reset();
            live.ready.reset();
        }
        // What was mounted just now may be where the logs belong.
        if (unit.service.type == core::ServiceType::oneshot &&
            context_.logs.directory() != context_.place.log_directories.front())
            context_.logs.try_storage();
        if (unit.service.type == core::ServiceType::oneshot) {
            timers_.storage_changed();
            attempts_.storage_changed();
            if (context_.place.system() && target_reached_ == Instant{}) {
                mind_watchdog();
                look_for_report(false);
            }
        }
        break;
    case Phase::failed:
    case Phase::backoff:
        if (record.phase == effect.to)
            context_.logs.line(unit.name, effect.to == Phase::failed ? Priority::err : Priority::warning,
                               (effect.to == Phase::failed ? "failed: " : "will be tried again: ") +
                                   core::reason(context_.engine, id));
        // The last that could be offered: whoever stands before the console should know why there is nothing.
        if (unit.name == builtin_name && record.phase == Phase::backoff)
            context_.say(Priority::err, "no shell can be started: " + core::reason(context_.engine, id));
        break;
    case Phase::skipped:
        context_.logs.line(unit.name, Priority::info, "skipped: " + core::reason(context_.engine, id));
        break;
    case Phase::down:
    case Phase::waiting:
    case Phase::reloading:
    case Phase::stopping:
    case Phase::invalid: break;
    }
    bool rests = effect.to == Phase::down || effect.to == Phase::failed || effect.to == Phase::invalid;
    if (rests && record.phase == effect.to) // not on its way up again
        come_to_rest(id);
    if (effect.to == Phase::failed && record.phase == Phase::failed) {
        if (unit.name != entry_) // its exit code says it
            context_.say(Priority::warning, unit.name + " failed: " + core::reason(context_.engine, id));
        if (unit.name == target_ || context_.graph().find(target_) == id)
            boot_target_failed(core::reason(context_.engine, id));
        if (unit.service.exit_action == core::ExitAction::none)
            end_when_all_failed();
    }
    // At rest, not on its way to the next run: what it has left with us is dropped.
    if (!core::active(record.phase) && record.phase == effect.to && record.phase != Phase::waiting &&
        record.phase != Phase::backoff)
        fd_store_.drop(id);
    if ((effect.to == Phase::up || effect.to == Phase::done) && !target_said_ && !target_.empty() &&
        context_.graph().find(target_) == id) {
        target_said_ = true;
        if (target_reached_ == Instant{})
            target_reached_ = context_.now;
        context_.manager_moved = true;
        context_.say(Priority::info, "target " + unit.name + " reached");
        mind_watchdog();
        look_for_report(true);
    }
    if ((effect.to == Phase::up || effect.to == Phase::done) && context_.place.system() &&
        context_.graph().find(context_.settings.default_target) == id) {
        attempts_.reached();
        boot_note_.clear();
        context_.manager_moved = true;
    }
}

// A run is over: what was kept for it goes.
void Supervisor::released(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    processes_.end_run(id, unit.name);
    pid_files_.forget(id);
    UnitRun& live = context_.units[id];
    live.ready_watch.reset();
    live.ready.reset();
    removing(unit, live.own.end_run());
    live.main_watch.reset();
    live.main_end.reset();
    close_line(id);
    clear_pid_file(id);
    // What it said of itself stays to be read where it has gone wrong.
    if (Phase phase = context_.record(id).phase; phase != Phase::failed && phase != Phase::backoff) {
        live.status.clear();
        live.trouble.clear();
    }
}

bool Supervisor::changed_on_disk(core::UnitId id) const {
    return core::active(context_.record(id).phase) && context_.units[id].digest != 0 &&
           context_.units[id].digest != context_.unit(id).digest;
}

Result<> Supervisor::signal_unit(core::UnitId id, int number, bool all) {
    const core::Record& record = context_.record(id);
    if (!all) {
        pid_t pid = record.main_pid > 0 ? record.main_pid : record.hook_pid;
        if (pid <= 0)
            return fault(ESRCH, "signal", context_.name(id));
        return os::send_signal(pid, number);
    }
    processes_.signal(id, context_.name(id), core::Effect::Scope::everything, number, record.main_pid, record.hook_pid);
    return {};
}

Result<> Supervisor::freeze_unit(core::UnitId id, bool frozen) {
    const std::string& name = context_.name(id);
    if (processes_.frozen(id) == frozen)
        return {};
    if (auto done = frozen ? processes_.freeze(id, name) : processes_.thaw(id, name); !done)
        return done;
    context_.engine.apply({.kind = frozen ? Event::Kind::freeze : Event::Kind::thaw, .unit = id}, loop::now());
    context_.logs.line(name, Priority::info, frozen ? "frozen by hand" : "thawed by hand");
    if (context_.observer != nullptr)
        context_.observer->announced(name + (frozen ? " is frozen" : " is thawed"));
    return {};
}

// Carried over into this root: its units are read as if they had been read again, and what runs goes on, whatever they say of it.
void Supervisor::settle_in() {
    std::vector<std::string> names;
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase))
            names.push_back(context_.name(id));
    (void)unit_files_.reread(); // its problems are told by who began this
    context_.say(Priority::notice, "carried over into this root: " + join(names));
}

} // namespace mi::daemon
