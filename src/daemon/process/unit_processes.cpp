#include "daemon/process/unit_processes.hpp"

#include <cerrno>
#include <csignal>

namespace mi::daemon {

using core::Effect;
using core::Event;
using core::Role;

void UnitProcesses::perform(const Effect& effect) {
    const core::UnitId unit = effect.unit;
    if (effect.role == Role::probe)
        return hearers_.health.end_probe(unit);
    const core::Record& record = context_.record(unit);
    const bool sweeps = effect.kind == Effect::Kind::sweep;
    if (sweeps ||
        record.phase == core::Phase::stopping) { // what is frozen, or has not begun to run, cannot be asked to end
        starter_.thaw(unit);
        starter_.pending().give_up(unit);
    }
    if (sweeps)
        processes_.sweep(unit, context_.name(unit), effect.scope, effect.number);
    else
        processes_.signal(unit, context_.name(unit), effect.scope, effect.number,
                          effect.role == Role::reload ? 0 : record.main_pid, record.hook_pid);
}

void UnitProcesses::run_ended(core::UnitId unit) {
    processes_.end_run(unit, context_.name(unit));
    // What it said of itself stays to be read where it has gone wrong.
    if (core::Phase phase = context_.record(unit).phase;
        phase != core::Phase::failed && phase != core::Phase::backoff) {
        context_.units[unit].status.clear();
        context_.units[unit].trouble.clear();
    }
}

// --- a process has ended ----------------------------------------------------------------------------------------------

void UnitProcesses::exited(const os::Exit& exit) {
    const Processes::Known* known = processes_.find(exit.pid);
    if (known == nullptr)
        return processes_.note_orphan();
    if (starter_.pending().ended(exit.pid))
        return;
    const Processes::Known process = *known;
    if (process.unit == core::no_unit)
        return processes_.remove(exit.pid);
    // What it said before it ended is heard before its end is.
    hearers_.notify.hear_all(process.unit);
    hearers_.ready_pipe.read_all(process.unit);
    processes_.remove(exit.pid);
    for (StreamId stream : process.streams)
        hearers_.output_flush.add(stream);
    core::ExitStatus status = exit_status(exit);
    if (process.role == Role::probe)
        return hearers_.health.probe_ended(process.unit, exit.pid, status, process.streams[0]);
    hearers_.output_flush.take_barrier();
    if (process.role == Role::connection)
        return hearers_.activation.ended(process.unit, exit.pid, status);
    // A main process that has handed its part to another (MAINPID=) is one of the rest.
    if (process.role == Role::main &&
        (context_.record(process.unit).main_pid != exit.pid || hearers_.main_process.handed_on(process.unit, exit.pid)))
        return;
    const std::optional<std::string> memory = killed_for_memory(process.unit, exit);
    status.oom = memory.has_value();
    context_.apply({.kind = Event::Kind::exited,
                    .unit = process.unit,
                    .role = process.role,
                    .pid = exit.pid,
                    .exit = status,
                    .detail = memory.value_or("")});
}

// Asked before the sweep, with which the cgroup goes. A kill of our own is none of the kernel's.
std::optional<std::string> UnitProcesses::killed_for_memory(core::UnitId unit, const os::Exit& exit) {
    if (exit.kind != os::Exit::Kind::killed || exit.code != SIGKILL || context_.record(unit).stage == core::Stage::kill)
        return std::nullopt;
    return resources_.killed_for_memory(context_.unit(unit), context_.now, true);
}

// --- by hand ----------------------------------------------------------------------------------------------------------

Result<> UnitProcesses::send_signal(core::UnitId id, int number, bool all) {
    const core::Record& record = context_.record(id);
    if (!all) {
        const pid_t pid = record.main_pid > 0 ? record.main_pid : record.hook_pid;
        if (pid <= 0)
            return fault(ESRCH, "signal", context_.name(id));
        return context_.kernel.send_signal(pid, number);
    }
    processes_.signal(id, context_.name(id), Effect::Scope::everything, number, record.main_pid, record.hook_pid);
    return {};
}

Result<> UnitProcesses::set_frozen(core::UnitId id, bool frozen) {
    const std::string& name = context_.name(id);
    if (processes_.frozen(id) == frozen)
        return {};
    if (auto done = frozen ? processes_.freeze(id, name) : processes_.thaw(id, name); !done)
        return done;
    context_.now = context_.kernel.now();
    context_.apply({.kind = frozen ? Event::Kind::freeze : Event::Kind::thaw, .unit = id});
    context_.log(id, Priority::info, frozen ? "frozen by hand" : "thawed by hand");
    if (context_.observer != nullptr)
        context_.observer->announced(name + (frozen ? " is frozen" : " is thawed"));
    return {};
}

} // namespace mi::daemon
