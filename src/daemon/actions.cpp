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

void Supervisor::changed(const core::Effect& effect) {
    core::UnitId id = effect.unit;
    const core::Unit& unit = context_.unit(id);
    const core::Record& record = context_.record(id);
    UnitRun& live = context_.units[id];
    live.first.note(effect.to, context_.now);
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
        if (effect.from == Phase::starting)
            live.up = context_.now;
        // What was mounted just now may be where the logs belong.
        if (unit.service.type == core::ServiceType::oneshot) {
            if (context_.logs.directory() != context_.place.log_directories.front())
                context_.logs.try_storage();
            timers_.storage_changed();
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
    if (effect.to == Phase::failed && record.phase == Phase::failed) {
        if (unit.name != entry_) // its exit code says it
            context_.say(Priority::warning, unit.name + " failed: " + core::reason(context_.engine, id));
    }
    // At rest, not on its way to the next run: what it has left with us is dropped.
    if (!core::active(record.phase) && record.phase == effect.to && record.phase != Phase::waiting &&
        record.phase != Phase::backoff)
        fd_store_.drop(id);
    for (Subsystem* subsystem : subsystems_)
        subsystem->unit_changed(id, effect.from, effect.to);
}

// A run is over: what was kept for it goes.
void Supervisor::released(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    processes_.end_run(id, unit.name);
    main_process_.release(id);
    UnitRun& live = context_.units[id];
    ready_pipe_.close(id);
    directory_removal_.run_ended(id);
    notify_.close_line(id);
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
