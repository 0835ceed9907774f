// What the engine's effects do to the world.
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

const core::Command& Supervisor::command_of(const core::Unit& unit, Role role, std::size_t index) const {
    switch (role) {
    case Role::pre_start: return unit.service.hooks->pre_start[index];
    case Role::post_start: return unit.service.hooks->post_start[index];
    case Role::reload: return unit.service.hooks->reload;
    case Role::stop: return unit.service.hooks->stop[index];
    case Role::post_stop: return unit.service.hooks->post_stop[index];
    case Role::none:
    case Role::main:
    case Role::connection: break;
    }
    return unit.service.command;
}

// 128 random bits in hexadecimal, from a pool so that a thousand starts need no thousand system calls.
std::string Supervisor::new_invocation() {
    constexpr std::size_t wanted = 16;
    constexpr std::string_view digits = "0123456789abcdef";
    if (chance_left_ < wanted) {
        ssize_t got = ::getrandom(chance_.data(), chance_.size(), GRND_NONBLOCK);
        // Early in a boot the kernel may have no randomness to give. The id has to be unique, not secret.
        if (got < static_cast<ssize_t>(wanted)) {
            std::uint64_t mixed = static_cast<std::uint64_t>(loop::now().since_boot.count());
            for (unsigned char& byte : chance_) {
                mixed = mixed * 6364136223846793005u + 1442695040888963407u;
                byte = static_cast<unsigned char>(mixed >> 56);
            }
            got = static_cast<ssize_t>(chance_.size());
        }
        chance_left_ = static_cast<std::size_t>(got);
    }
    std::string id;
    for (std::size_t i = 0; i < wanted; ++i) {
        unsigned char byte = chance_[--chance_left_];
        id += digits[byte >> 4];
        id += digits[byte & 15];
    }
    return id;
}

void Supervisor::spawn(const core::Effect& effect) {
    core::UnitId id = effect.unit;
    const core::Unit& unit = context_.unit(id);
    auto failed = [&](std::string why, int code) { start_failed(effect, std::move(why), code); };
    auto files = files_for(effect);
    if (!files)
        return; // spawn is called again when it is known
    if (!*files)
        return failed(files->error(), ENOENT);
    if (context_.logs.has_too_many(unit.name))
        return failed("nobody reads what it has written: the log collector hangs", EAGAIN);
    if (processes_.invocation(id).empty() || (effect.role == Role::pre_start && effect.index == 0))
        processes_.begin_run(id, new_invocation());
    if (auto opened = notify_.open_line(id); !opened)
        return failed(opened.error(), 0);
    context_.surroundings.notify = context_.units[id].line ? context_.units[id].line->path : "";
    bool entry = effect.role == Role::main && unit.name == entry_;
    std::expected<Handed, std::string> handed;
    if (effect.role == Role::main)
        handed = activation_.hand(id);
    if (!handed)
        return failed(handed.error(), 0);
    auto launch = prepare(unit, command_of(unit, effect.role, effect.index), effect.role == Role::main,
                          processes_.invocation(id), entry, context_.surroundings, **files, *handed);
    if (!launch)
        return failed(launch.error(), ENOENT);
    if (const core::Record& record = context_.record(id); effect.role != Role::main && record.main_pid > 0)
        launch->plan.environment.set("MAINPID", std::to_string(record.main_pid));
    UnitRun& live = context_.units[id];
    live.own.note(*launch);
    if (auto why = lend_network(unit, live, launch->plan))
        return failed(*why, EPERM);
    if (launch->ready) // what could not be heard is not begun
        if (auto watch = context_.loop.watch(launch->ready.get(), [] {}); !watch)
            return failed(watch.error().text(), watch.error().code);
    auto start = make_process(id, effect.role, unit, *launch);
    if (!start) {
        if (!postpone(effect, unit, start.error()))
            failed(start.error().text(), start.error().code);
        return;
    }
    const pid_t pid = start->pid();
    remember_spawn(id, effect.role, *start, *launch);
    born(effect, unit, pid, *launch);
    if (start->decided())
        became_its_program(id, effect.role, pid);
    else
        await_start(pid, effect, std::move(*start));
}

// A start that only wants for a process that the system cannot give now (a fork bomb, no memory) is no failure of its unit:
// true where it is tried again, which its start-timeout bounds.
bool Supervisor::postpone(const core::Effect& effect, const core::Unit& unit, const os::SpawnFault& why) {
    const bool scarce = (why.step == os::Step::clone && means_scarce(why.code)) ||
                        (why.step == os::Step::exec && why.code == EAGAIN); // as the user has too many
    if (!scarce || (unit.cgroup && unit.cgroup->pids_max) || context_.record(effect.unit).phase != Phase::starting)
        return false;
    if (std::string text = "cannot start yet: " + why.text() + "; tried again until start-timeout";
        !std::exchange(context_.units[effect.unit].postponed, true)) {
        if (postponed_.empty())
            context_.say(Priority::warning, unit.name + " " + text);
        context_.logs.line(unit.name, Priority::warning, text);
    }
    postponed_.push_back(effect);
    spawn_again_ = context_.now + std::chrono::milliseconds(500);
    return true;
}

// Those whose time has come are started; of those that are not to start any more the engine hears that they did not.
void Supervisor::take_up_postponed() {
    const bool due = context_.now >= spawn_again_;
    if (due)
        spawn_again_ = never;
    for (const core::Effect& effect : std::exchange(postponed_, {}))
        if (context_.record(effect.unit).phase != Phase::starting)
            context_.engine.apply({.kind = Event::Kind::spawn_failed,
                                   .unit = effect.unit,
                                   .role = effect.role,
                                   .detail = "there was no process to be had"},
                                  context_.now);
        else
            due ? effects_.push_back(effect) : postponed_.push_back(effect);
}

// Born in the cgroup of its unit where that can be; else the whole run is held together by its session.
std::expected<os::Start, os::SpawnFault> Supervisor::make_process(core::UnitId id, Role role, const core::Unit& unit,
                                                                  Launch& launch) {
    os::Plan& plan = launch.plan;
    thaw(id); // a child born frozen would not come to its exec
    bool first = !processes_.has_members(id);
    if (!processes_.cgroups() || !processes_.uses_session(id)) {
        Resources::Berth berth = resources_.berth(unit, first, role == Role::main || role == Role::connection, plan);
        for (const std::string& complaint : berth.complaints)
            context_.logs.line(unit.name, Priority::warning, complaint);
        context_.manager_moved = context_.manager_moved || !berth.complaints.empty(); // the tree may be another one
        if (berth.cgroup) {
            plan.cgroup = berth.cgroup.get();
            plan.apart = plan.apart || berth.apart;
            memory_events_.listen();
            auto start = spawner_.start(plan);
            if (start || start.error().step != os::Step::cgroup) {
                launch.cgroup = os::inode_of(berth.cgroup.get());
                return start;
            }
            context_.logs.line(unit.name, Priority::warning,
                               start.error().text() +
                                   "; its processes are found by their session, its limits are not in force");
        }
        processes_.use_session(id);
        plan.cgroup = -1;
    }
    return spawner_.start(plan);
}

void Supervisor::thaw(core::UnitId id) {
    if (!processes_.frozen(id))
        return;
    const std::string& name = context_.name(id);
    if (auto thawed = processes_.thaw(id, name); !thawed)
        context_.say(Priority::err, name + " cannot be thawed: " + thawed.error().text());
}

// Processes of one run share their network namespace. Nothing, or why there is none.
std::optional<std::string> Supervisor::lend_network(const core::Unit& unit, UnitRun& live, os::Plan& plan) {
    if (!unit.process || !unit.process->confinement || !unit.process->confinement->private_network)
        return std::nullopt;
    if (!live.own.network) {
        auto made = spawner_.make_network();
        if (!made)
            return made.error().text();
        live.own.network = std::move(*made);
    }
    plan.network = live.own.network.get();
    return std::nullopt;
}

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

// Hands its pipes to the collector.
Processes::Known Supervisor::attach_output(pid_t pid, Processes::Known process, const core::Unit& unit,
                                           Launch& launch) {
    const wire::logs::Limits limits = log_limits(context_.settings, unit.log.get());
    const bool forward = !unit.log || unit.log->forward;
    auto attach = [&](wire::logs::Source source, Fd& pipe, StreamId& stream) {
        if (pipe)
            stream = context_.logs.attach(unit.name, source, limits, std::move(pipe), pid, forward, launch.cgroup);
    };
    attach(wire::logs::Source::out, launch.out, process.streams[0]);
    attach(wire::logs::Source::err, launch.err, process.streams[1]);
    return process;
}

// Its process is there: what goes with that, whether it becomes its program or not.
void Supervisor::born(const core::Effect& effect, const core::Unit& unit, pid_t pid, Launch& launch) {
    processes_.add(pid, attach_output(pid, {effect.unit, effect.role, {}}, unit, launch));
    UnitRun& live = context_.units[effect.unit];
    live.postponed = false;
    // As changed() has it: the program before us may have had no time to put that on record.
    if (const core::Record& record = context_.record(effect.unit);
        record.phase == Phase::starting && live.starting < record.since) {
        live.starting = record.since;
        live.status.clear();
        live.trouble.clear();
    }
    if (effect.role == Role::main) {
        live.digest = unit.digest;
        if (unit.timer)
            timers_.began(effect.unit);
        if (launch.ready)
            ready_pipe_.listen(effect.unit, std::move(launch.ready));
        for (const std::string& warning : launch.warnings)
            context_.logs.line(unit.name, Priority::warning, warning);
    }
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
    if (effect.to == Phase::down || effect.to == Phase::done || effect.to == Phase::skipped)
        note_transient(id);
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
    main_process_.release(id);
    UnitRun& live = context_.units[id];
    ready_pipe_.close(id);
    removing(unit, live.own.end_run());
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

} // namespace mi::daemon
