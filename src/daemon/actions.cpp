// What the engine's effects do to the world.
#include "base/scarce.hpp"
#include "base/text.hpp"
#include "core/explain.hpp"
#include "daemon/builtin.hpp"
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

namespace {
constexpr Span network_look = std::chrono::milliseconds(5); // how soon it is asked again for one that is being made
} // namespace

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
    const core::Unit& unit = engine_->graph().unit(id);
    auto failed = [&](std::string why, int code) { start_failed(effect, std::move(why), code); };
    auto files = files_for(effect);
    if (!files)
        return; // spawn is called again when it is known
    if (!*files)
        return failed(files->error(), ENOENT);
    if (logs_.has_too_many(unit.name))
        return failed("nobody reads what it has written: the log collector hangs", EAGAIN);
    if (processes_.invocation(id).empty() || (effect.role == Role::pre_start && effect.index == 0))
        processes_.begin_run(id, new_invocation());
    if (auto opened = open_line(id); !opened)
        return failed(opened.error(), 0);
    surroundings_.notify = live_[id].line ? live_[id].line->path : "";
    bool entry = effect.role == Role::main && unit.name == entry_;
    std::expected<Handed, std::string> handed;
    if (effect.role == Role::main)
        handed = hand_sockets(id);
    if (!handed)
        return failed(handed.error(), 0);
    auto launch = prepare(unit, command_of(unit, effect.role, effect.index), effect.role == Role::main,
                          processes_.invocation(id), entry, surroundings_, **files, *handed);
    if (!launch)
        return failed(launch.error(), ENOENT);
    if (const core::Record& record = engine_->record(id); effect.role != Role::main && record.main_pid > 0)
        launch->plan.environment.set("MAINPID", std::to_string(record.main_pid));
    Live& live = live_[id];
    if (being_removed(*launch) && engine_->record(id).phase == Phase::starting)
        return start_again(effect, never); // removed() says when
    live.own.note(*launch);
    auto lent = lend_network(unit, live, launch->plan);
    if (lent && !*lent && engine_->record(id).phase == Phase::starting)
        return start_again(effect, now_ + network_look);
    if (!lent || !*lent)
        return failed(lent ? "its network is not there yet (private-network)" : lent.error(), EPERM);
    if (launch->ready) // what could not be heard is not begun
        if (auto watch = loop_.watch(launch->ready.get(), [] {}); !watch)
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
    if (!scarce || (unit.cgroup && unit.cgroup->pids_max) || engine_->record(effect.unit).phase != Phase::starting)
        return false;
    if (std::string text = "cannot start yet: " + why.text() + "; tried again until start-timeout";
        !std::exchange(live_[effect.unit].postponed, true)) {
        if (postponed_.empty())
            say(Priority::warning, unit.name + " " + text);
        logs_.line(unit.name, Priority::warning, text);
    }
    start_again(effect, now_ + std::chrono::milliseconds(500));
    return true;
}

// One that is starting: its process is made later, when what it needs may be there.
void Supervisor::start_again(const core::Effect& effect, Instant when) {
    postponed_.push_back(effect);
    spawn_again_ = std::min(spawn_again_, when);
}

// Those whose time has come are started.
void Supervisor::take_up_postponed() {
    drop_unwanted_starts();
    if (now_ < spawn_again_)
        return;
    spawn_again_ = never;
    for (const core::Effect& effect : std::exchange(postponed_, {}))
        effects_.push_back(effect);
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
            logs_.line(unit.name, Priority::warning, complaint);
        manager_moved_ = manager_moved_ || !berth.complaints.empty(); // the tree may be another one
        if (berth.cgroup) {
            plan.cgroup = berth.cgroup.get();
            plan.apart = plan.apart || berth.apart;
            if (memory_watch_ == nullptr)
                listen_to_memory();
            auto start = spawner_.start(plan);
            if (start || start.error().step != os::Step::cgroup) {
                launch.cgroup = os::inode_of(berth.cgroup.get());
                return start;
            }
            logs_.line(unit.name, Priority::warning,
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
    const std::string& name = engine_->graph().name(id);
    if (auto thawed = processes_.thaw(id, name); !thawed)
        say(Priority::err, name + " cannot be thawed: " + thawed.error().text());
}

// Processes of one run share their network namespace. False: it is still being made. Or why there is none.
std::expected<bool, std::string> Supervisor::lend_network(const core::Unit& unit, Live& live, os::Plan& plan) {
    if (!unit.process || !unit.process->confinement || !unit.process->confinement->private_network)
        return true;
    if (!live.own.network) {
        std::optional<os::Start>& child = live.own.networking;
        if (!child) {
            auto made = spawner_.make_network();
            if (!made)
                return std::unexpected(made.error().text());
            child = std::move(*made);
        }
        if (!child->decide())
            return false;
        os::Start made = *std::exchange(child, std::nullopt);
        if (made.fault())
            return std::unexpected(made.fault()->text());
        live.own.network = made.take_network();
    }
    plan.network = live.own.network.get();
    return true;
}

// Whether a directory that it is to have is still being removed, around something that is mounted there.
bool Supervisor::being_removed(const Launch& launch) const {
    return std::ranges::any_of(removing_, [&](const auto& removal) {
        return std::ranges::any_of(launch.runtime, [&](const os::Directory& directory) {
            return std::ranges::any_of(removal.second.child.paths,
                                       [&](const std::string& path) { return overlap(path, directory.path()); });
        });
    });
}

void Supervisor::removing(const core::Unit& unit, Belongings::Removing child) {
    if (!child)
        return logs_.line(unit.name, Priority::warning, child.error().text());
    if (!*child)
        return;
    const pid_t pid = (*child)->pid;
    removals_.push_back(pid);
    removing_.insert_or_assign(pid, Removal{unit.name, std::move(**child)});
}

// Of its directories those go that no other unit uses.
void Supervisor::come_to_rest(core::UnitId id) {
    Belongings& own = live_[id].own;
    for (core::UnitId other = 0; other < live_.size() && !own.runtime.empty(); ++other)
        if (other != id && !live_[other].own.runtime.empty()) {
            own.leave_to(live_[other].own);
            engine_->mark(other);
        }
    removing(engine_->graph().unit(id),
             own.come_to_rest(place_.run_directory + "/removed", set_aside_, surroundings_.hanging));
}

// A child that removed has ended: what it had to leave is said.
void Supervisor::removed(pid_t child) {
    std::erase(removals_, child);
    auto removal = removing_.extract(child);
    if (removal.empty())
        return;
    if (!postponed_.empty()) // one may have waited for that
        spawn_again_ = now_;
    std::array<char, PIPE_BUF> text;
    const ssize_t size = ::read(removal.mapped().child.left.get(), text.data(), text.size());
    for (std::string_view line :
         split(std::string_view(text.data(), static_cast<std::size_t>(std::max(size, ssize_t{0}))), '\n'))
        if (!line.empty())
            logs_.line(removal.mapped().unit, Priority::warning, "left where it is: " + std::string(line));
}

// Hands its pipes to the collector.
Processes::Known Supervisor::attach_output(pid_t pid, Processes::Known process, const core::Unit& unit,
                                           Launch& launch) {
    const wire::logs::Limits limits = log_limits(settings_, unit.log.get());
    const bool forward = !unit.log || unit.log->forward;
    auto attach = [&](wire::logs::Source source, Fd& pipe, StreamId& stream) {
        if (pipe)
            stream = logs_.attach(unit.name, source, limits, std::move(pipe), pid, forward, launch.cgroup);
    };
    attach(wire::logs::Source::out, launch.out, process.streams[0]);
    attach(wire::logs::Source::err, launch.err, process.streams[1]);
    return process;
}

// Its process is there: what goes with that, whether it becomes its program or not.
void Supervisor::born(const core::Effect& effect, const core::Unit& unit, pid_t pid, Launch& launch) {
    processes_.add(pid, attach_output(pid, {effect.unit, effect.role, {}}, unit, launch));
    Live& live = live_[effect.unit];
    live.postponed = false;
    // As changed() has it: the program before us may have had no time to put that on record.
    if (const core::Record& record = engine_->record(effect.unit);
        record.phase == Phase::starting && live.starting < record.since) {
        live.starting = record.since;
        live.status.clear();
        live.trouble.clear();
    }
    if (effect.role == Role::main) {
        live.digest = unit.digest;
        if (unit.timer)
            timers_.began(effect.unit);
        if (launch.ready) {
            live.ready = std::move(launch.ready);
            watch_ready(effect.unit);
        }
        for (const std::string& warning : launch.warnings)
            logs_.line(unit.name, Priority::warning, warning);
    }
}

void Supervisor::changed(const core::Effect& effect) {
    core::UnitId id = effect.unit;
    const core::Unit& unit = engine_->graph().unit(id);
    const core::Record& record = engine_->record(id);
    Live& live = live_[id];
    live.first.note(effect.to, now_);
    if (observer_ != nullptr)
        observer_->changed(id, effect.from, effect.to);
    if (effect.to == Phase::down || effect.to == Phase::done || effect.to == Phase::skipped)
        note_transient(id);
    switch (effect.to) {
    case Phase::starting:
        live.starting = now_;
        live.postponed = false;
        live.status.clear();
        live.trouble.clear();
        break;
    case Phase::up:
    case Phase::done:
        if (effect.from == Phase::starting) {
            live.up = now_;
            live.ready_watch.reset();
            live.ready.reset();
        }
        // What was mounted just now may be where the logs belong.
        if (unit.service.type == core::ServiceType::oneshot && logs_.directory() != place_.log_directories.front())
            logs_.try_storage();
        if (unit.service.type == core::ServiceType::oneshot) {
            timers_.storage_changed();
            attempts_.storage_changed();
            if (place_.system() && target_reached_ == Instant{}) {
                mind_watchdog();
                look_for_report(false);
            }
        }
        break;
    case Phase::failed:
    case Phase::backoff:
        if (record.phase == effect.to)
            logs_.line(unit.name, effect.to == Phase::failed ? Priority::err : Priority::warning,
                       (effect.to == Phase::failed ? "failed: " : "will be tried again: ") +
                           core::reason(*engine_, id));
        // The last that could be offered: whoever stands before the console should know why there is nothing.
        if (unit.name == builtin_name && record.phase == Phase::backoff)
            say(Priority::err, "no shell can be started: " + core::reason(*engine_, id));
        break;
    case Phase::skipped: logs_.line(unit.name, Priority::info, "skipped: " + core::reason(*engine_, id)); break;
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
            say(Priority::warning, unit.name + " failed: " + core::reason(*engine_, id));
        if (unit.name == target_ || engine_->graph().find(target_) == id)
            boot_target_failed(core::reason(*engine_, id));
        if (unit.service.exit_action == core::ExitAction::none)
            end_when_all_failed();
    }
    // At rest, not on its way to the next run: what it has left with us is dropped.
    if (!core::active(record.phase) && record.phase == effect.to && record.phase != Phase::waiting &&
        record.phase != Phase::backoff)
        fd_store_.drop(id);
    if ((effect.to == Phase::up || effect.to == Phase::done) && !target_said_ && !target_.empty() &&
        engine_->graph().find(target_) == id) {
        target_said_ = true;
        if (target_reached_ == Instant{})
            target_reached_ = now_;
        manager_moved_ = true;
        say(Priority::info, "target " + unit.name + " reached");
        mind_watchdog();
        look_for_report(true);
    }
    if ((effect.to == Phase::up || effect.to == Phase::done) && place_.system() &&
        engine_->graph().find(settings_.default_target) == id) {
        attempts_.reached();
        boot_note_.clear();
        manager_moved_ = true;
    }
}

// A run is over: what was kept for it goes.
void Supervisor::released(core::UnitId id) {
    const core::Unit& unit = engine_->graph().unit(id);
    processes_.end_run(id, unit.name);
    pid_files_.forget(id);
    Live& live = live_[id];
    live.ready_watch.reset();
    live.ready.reset();
    removing(unit, live.own.end_run());
    live.main_watch.reset();
    live.main_end.reset();
    close_line(id);
    clear_pid_file(id);
    // What it said of itself stays to be read where it has gone wrong.
    if (Phase phase = engine_->record(id).phase; phase != Phase::failed && phase != Phase::backoff) {
        live.status.clear();
        live.trouble.clear();
    }
}

bool Supervisor::changed_on_disk(core::UnitId id) const {
    return core::active(engine_->record(id).phase) && live_[id].digest != 0 &&
           live_[id].digest != engine_->graph().unit(id).digest;
}

} // namespace mi::daemon
