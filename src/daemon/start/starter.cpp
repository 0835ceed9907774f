#include "daemon/start/starter.hpp"

#include "base/join.hpp"
#include "base/scarce.hpp"
#include "daemon/health/probe_launch.hpp"
#include "daemon/machine/builtin.hpp"
#include "os/file/open_file.hpp"
#include "os/file/path_question.hpp"
#include "os/file/walked_file.hpp"

#include <algorithm>
#include <cerrno>

namespace mi::daemon {

using core::Event;
using core::Phase;
using core::Role;

namespace {

constexpr Span pause = std::chrono::milliseconds(500);      // until it is tried again to get a process
constexpr Span network_look = std::chrono::milliseconds(5); // until one that is being made is asked for again
constexpr std::size_t descriptors_a_process = 6;            // that a start needs while it lasts
constexpr int no_process = 125;                             // exit code: there was none for the command

bool is_awaited_probe(const core::Record& record) {
    return record.probe_pid == core::pid_pending && !record.probe_over && !record.frozen;
}

} // namespace

Starter::Starter(Context& context, Processes& processes, Resources& resources, PathInquiries& inquiries,
                 EffectQueue& effects, const std::string& entry, const Services& services)
    : context_(context), processes_(processes), resources_(resources), effects_(effects), entry_(entry),
      services_(services), parked_(context, inquiries, effects, entry), invocation_ids_(context.kernel) {}

void Starter::spawn(const core::Effect& effect) {
    const core::UnitId id = effect.unit;
    // It has waited for its turn, and what it requires has ended meanwhile.
    if (is_part_of_starting(effect.role) && context_.record(id).phase != Phase::starting)
        return not_wanted(effect);
    if (effect.role == Role::probe && !is_awaited_probe(context_.record(id)))
        return not_wanted(effect);
    auto files = parked_.files_for(effect);
    if (!files)
        return; // the effect is queued again when they are known
    if (!*files)
        return failed(effect, files->error(), ENOENT);
    if (context_.logs.has_too_many(context_.name(id)))
        return failed(effect, NoStart::for_now("its output is not read: the log collector hangs"), EAGAIN);
    if (processes_.invocation(id).empty() || (effect.role == Role::pre_start && effect.index == 0))
        processes_.begin_run(id, invocation_ids_.next());
    if (auto opened = services_.notify.open_line(id); !opened)
        return failed(effect, NoStart::for_now(opened.error()), 0);
    auto launch = launch_for(effect, **files);
    if (!launch)
        return failed(effect, launch.error(), ENOENT);
    if (start_later(effect, *launch))
        return;
    if (launch->ready) // a readiness that could not be heard of is not waited for
        if (auto watch = context_.kernel.watch(launch->ready.get(), [] {}); !watch)
            return failed(effect, NoStart(watch.error()), watch.error().code);
    auto start = effect.role == Role::main && context_.name(id) == entry_ ? make_entry(id, *launch)
                                                                          : make_process(id, effect.role, *launch);
    if (!start) {
        if (!go_without(effect, start.error()) && !postpone(effect, start.error()))
            failed(effect, NoStart(start.error()), start.error().code);
        return;
    }
    const pid_t pid = start->pid();
    services_.store.save_spawn(id, effect.role, *start, *launch);
    born(effect, pid, *launch);
    if (start->decided())
        became_its_program(id, effect.role, pid);
    else
        services_.pending.await(pid, effect, std::move(*start));
}

// Whether its process is made later, or not at all: what it is to have may be there only then. The engine was told if not at all.
bool Starter::start_later(const core::Effect& effect, Launch& launch) {
    const bool may_wait = context_.record(effect.unit).phase == Phase::starting;
    if (may_wait && services_.removal.is_removing(launch.runtime)) {
        start_again(effect, never); // the end of the removal says when
        return true;
    }
    context_.units[effect.unit].own.note(launch);
    auto lent = launch.privileged ? std::expected<bool, std::string>(true) : lend_network(effect.unit, launch);
    if (lent && *lent)
        return false;
    if (lent && may_wait)
        start_again(effect, context_.now + network_look);
    else
        failed(effect, NoStart::for_now(lent ? "its network is not there yet (private-network)" : lent.error()), EPERM);
    return true;
}

std::expected<Launch, NoStart> Starter::launch_for(const core::Effect& effect, const StartFiles& files) {
    const core::Unit& unit = context_.unit(effect.unit);
    const UnitRun& run = context_.units[effect.unit];
    const bool main = effect.role == Role::main;
    context_.surroundings.notify = run.line ? run.line->path : "";
    std::expected<Handed, std::string> handed;
    if (main)
        handed = services_.activation.hand(effect.unit);
    if (!handed)
        return std::unexpected(NoStart::for_now(handed.error()));
    auto launch = prepare(unit, command_of(unit, effect.role, effect.index), main, processes_.invocation(effect.unit),
                          main && unit.name == entry_, context_.surroundings, files, *handed);
    if (const core::Record& record = context_.record(effect.unit); launch && !main && record.main_pid > 0)
        launch->plan.environment.set("MAINPID", std::to_string(record.main_pid));
    if (launch && effect.role == Role::probe)
        if (auto made = make_probe(*launch, *unit.health, context_.place.program); !made)
            return std::unexpected(made.error());
    return launch;
}

std::expected<pid_t, Starter::NotServed> Starter::serve(core::UnitId id, Handed handed) {
    const core::Unit& unit = context_.unit(id);
    const core::Effect effect{.kind = core::Effect::Kind::spawn, .unit = id, .role = Role::connection};
    auto refuse = [](std::string why, int code = 0) {
        return std::unexpected(NotServed{std::move(why), means_scarce(code)});
    };
    const auto not_yet = std::unexpected(NotServed{.later = true}); // tried again, so there is nothing to say
    auto files = parked_.files_for(effect);
    if (!files)
        return not_yet;
    if (!*files)
        return refuse(files->error().words);
    // Its process needs pipes, and a cgroup: without room for them the connection waits.
    if (auto room = os::has_room(descriptors_a_process); !room)
        return refuse(room.error().text(), room.error().code);
    if (processes_.invocation(id).empty())
        processes_.begin_run(id, invocation_ids_.next());
    context_.surroundings.notify.clear(); // its process has nothing to say to us
    auto launch = prepare(unit, unit.service.command, true, processes_.invocation(id), false, context_.surroundings,
                          **files, handed);
    if (!launch)
        return refuse(launch.error().words);
    if (services_.removal.is_removing(launch->runtime))
        return not_yet;
    context_.units[id].own.note(*launch);
    if (auto lent = lend_network(id, *launch); !lent)
        return refuse(lent.error());
    else if (!*lent)
        return not_yet;
    auto start = make_process(id, Role::connection, *launch);
    if (!start)
        return refuse(start.error().text(), start.error().step == os::Step::clone ? start.error().code : 0);
    const pid_t pid = start->pid();
    services_.store.save_spawn(id, Role::connection, *start, *launch);
    connection_born(id, pid, *launch);
    if (!start->decided())
        services_.pending.await(pid, effect, std::move(*start));
    return pid;
}

// --- making a process -------------------------------------------------------------------------------------------------

// It is born in the cgroup of its unit where that can be. Elsewhere the whole run is held together by its session.
std::expected<os::Start, os::SpawnFault> Starter::make_process(core::UnitId id, Role role, Launch& launch) {
    const core::Unit& unit = context_.unit(id);
    os::Plan& plan = launch.plan;
    thaw(id); // a child that is born frozen does not come to its exec
    const bool first = !processes_.has_members(id);
    if (processes_.cgroups() != nullptr && processes_.uses_session(id))
        return context_.kernel.start(plan);
    Resources::Berth berth = resources_.berth(unit, first, role == Role::main || role == Role::connection, plan);
    for (const std::string& complaint : berth.complaints)
        context_.logs.line(unit.name, Priority::warning, complaint);
    context_.manager_moved = context_.manager_moved || !berth.complaints.empty(); // the tree may be another one
    if (berth.cgroup && role == Role::probe) // one of its own there, so that it can be ended with all that it forks
        if (auto nested = os::CgroupTree::make_nested(berth.cgroup, probe_cgroup))
            berth.cgroup = std::move(*nested);
    if (berth.cgroup) {
        plan.cgroup = berth.cgroup.get();
        plan.apart = plan.apart || berth.apart;
        services_.memory_events.listen();
        auto start = context_.kernel.start(plan);
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
    return context_.kernel.start(plan);
}

// The main process of a container stays where we were started, which has perhaps no path any more. We hold nothing there.
std::expected<os::Start, os::SpawnFault> Starter::make_entry(core::UnitId id, Launch& launch) {
    Surroundings& surroundings = context_.surroundings;
    if (!surroundings.started_in) {
        launch.plan.directory = surroundings.started_in_path;
        return make_process(id, Role::main, launch);
    }
    auto inside = os::WorkingDirectory::enter(surroundings.started_in.get());
    if (!inside)
        return std::unexpected(os::SpawnFault{os::Step::directory, inside.error().code, surroundings.started_in_path});
    auto start = make_process(id, Role::main, launch);
    if (start)
        surroundings.started_in.reset();
    return start;
}

void Starter::thaw(core::UnitId id) {
    if (!processes_.frozen(id))
        return;
    const std::string& name = context_.name(id);
    if (auto thawed = processes_.thaw(id, name); !thawed)
        context_.say(Priority::err, name + " cannot be thawed: " + thawed.error().text());
}

// Processes of one run share their network namespace. False: it is still being made. Or why there is none.
std::expected<bool, std::string> Starter::lend_network(core::UnitId id, Launch& launch) {
    const core::Process* process = context_.unit(id).process.get();
    if (process == nullptr || !process->confinement || !process->confinement->private_network)
        return true;
    const bool may_lack = goes_without(process, context_.surroundings.mode);
    Refusals& refusals = context_.surroundings.refusals;
    const auto lacks = [&launch] {
        launch.lacks.emplace_back("private-network");
        return true;
    };
    if (may_lack && refusals.network)
        return lacks();
    OwnedDirectories& own = context_.units[id].own;
    if (!own.network) {
        if (!own.networking) {
            auto child = context_.kernel.make_network();
            if (!child)
                return std::unexpected(child.error().text());
            own.networking = std::move(*child);
        }
        if (!own.networking->decide())
            return false;
        os::Start made = *std::exchange(own.networking, std::nullopt);
        if (made.fault() && may_lack && refusals.note(*made.fault(), process))
            return lacks();
        if (made.fault())
            return std::unexpected(made.fault()->text());
        own.network = made.take_network();
    }
    launch.plan.network = own.network.get();
    return true;
}

// --- a process that is there ------------------------------------------------------------------------------------------

// Hands its pipes to the collector.
Processes::Known Starter::attach_output(pid_t pid, Processes::Known process, Launch& launch) {
    const core::Unit& unit = context_.unit(process.unit);
    const wire::logs::Limits limits = log_limits(context_.settings, unit.log.get());
    const bool forward = !unit.log || unit.log->forward;
    auto attach = [&](wire::logs::Source source, Fd& pipe, StreamId& stream) {
        if (pipe)
            stream = context_.logs.attach(unit.name, source, limits, std::move(pipe), pid, forward, launch.cgroup);
    };
    attach(process.role == Role::probe ? wire::logs::Source::health : wire::logs::Source::out, launch.out,
           process.streams[0]);
    attach(wire::logs::Source::err, launch.err, process.streams[1]);
    if (process.role == Role::main && unit.health && unit.health->probe == core::HealthCheck::Probe::log_line)
        for (StreamId stream : process.streams)
            context_.logs.expect(stream, unit.health->subject);
    return process;
}

void Starter::born(const core::Effect& effect, pid_t pid, Launch& launch) {
    const core::UnitId id = effect.unit;
    const core::Unit& unit = context_.unit(id);
    processes_.add(pid, attach_output(pid, {id, effect.role, {}}, launch));
    UnitRun& run = context_.units[id];
    run.postponed = false;
    // The same as when a unit goes to `starting`: the program before this one may have had no time to save that.
    if (const core::Record& record = context_.record(id);
        record.phase == Phase::starting && run.starting < record.since) {
        run.starting = record.since;
        run.status.clear();
        run.trouble.clear();
    }
    if (effect.role != Role::main)
        return;
    note_lacks(id, launch);
    run.digest = unit.digest;
    services_.timers.began(id);
    if (launch.ready)
        services_.ready_pipe.listen(id, std::move(launch.ready));
    for (const std::string& warning : launch.warnings)
        context_.logs.line(unit.name, Priority::warning, warning);
}

void Starter::connection_born(core::UnitId id, pid_t pid, Launch& launch) {
    processes_.add(pid, attach_output(pid, {id, Role::connection, {}}, launch));
    note_lacks(id, launch);
    context_.engine.mark(id);
}

// What its main process does without, for its status. It is said when it is another thing than before.
void Starter::note_lacks(core::UnitId id, Launch& launch) {
    std::vector<std::string>& known = context_.units[id].lacks;
    if (!launch.lacks.empty() && known != launch.lacks) {
        std::string words;
        for (const std::string& key : launch.lacks)
            join_to(words, key);
        context_.log(id, Priority::warning,
                     "not in force, as the kernel refuses it to us: " + words +
                         " (with confinement = \"require\" it would not start)");
    }
    known = std::move(launch.lacks);
}

// A PID file may lie in a directory that its process has only just made.
void Starter::became_its_program(core::UnitId id, Role role, pid_t pid) {
    const core::Unit& unit = context_.unit(id);
    const core::Process* process = unit.process.get();
    if (role == Role::main && process != nullptr && !process->pid_file.empty() &&
        unit.service.type != core::ServiceType::forking)
        services_.main_process.write_pid_file(unit, pid);
    context_.apply({.kind = Event::Kind::spawned, .unit = id, .role = role, .pid = pid});
}

// --- a process that is not --------------------------------------------------------------------------------------------

void Starter::failed_on_its_way(const core::Effect& effect, pid_t pid, os::SpawnFault why) {
    if (const Processes::Known* known = processes_.find(pid))
        for (StreamId stream : known->streams)
            services_.output_flush.add(stream);
    processes_.remove(pid);
    const core::Unit& unit = context_.unit(effect.unit);
    if (why.about.empty() && why.step == os::Step::exec) // the program before this one knew
        why.about = '"' + command_of(unit, effect.role, effect.index).front() + '"';
    if (effect.role == Role::connection) {
        (void)go_without(effect, why); // the next one comes further
        connection_failed(effect.unit, pid, why.text());
    } else if (!go_without(effect, why) && !postpone(effect, why))
        failed(effect, NoStart(why), why.code);
}

// True: it has failed of a protection that it may do without, and is made again at once without it.
bool Starter::go_without(const core::Effect& effect, const os::SpawnFault& why) {
    const core::Process* process = context_.unit(effect.unit).process.get();
    Surroundings& surroundings = context_.surroundings;
    if (!goes_without(process, surroundings.mode) || !surroundings.refusals.note(why, process) ||
        context_.record(effect.unit).phase != Phase::starting)
        return false;
    start_again(effect, context_.now);
    return true;
}

void Starter::connection_failed(core::UnitId id, pid_t pid, const std::string& why) {
    services_.activation.complain(id, "a connection is not served: " + why);
    services_.activation.ended(id, pid);
}

void Starter::given_up_on_its_way(core::UnitId id, Role role, pid_t pid, const std::string& where) {
    processes_.remove(pid);
    if (role == Role::connection)
        services_.activation.ended(id, pid);
    else
        context_.apply({.kind = Event::Kind::spawn_failed,
                        .unit = id,
                        .role = role,
                        .detail = "it had not come to its program yet; it stood at " + where});
}

// A start that only lacks a process, which the system cannot give now (a fork bomb, no memory), is no failure of its unit. True:
// it is tried again, within its start-timeout.
bool Starter::postpone(const core::Effect& effect, const os::SpawnFault& why) {
    const core::Unit& unit = context_.unit(effect.unit);
    if (effect.role == Role::probe)
        return false; // the next one is not far
    const bool scarce = (why.step == os::Step::clone && means_scarce(why.code)) ||
                        (why.step == os::Step::exec && why.code == EAGAIN); // its user has too many
    if (!scarce || (unit.cgroup && unit.cgroup->pids_max) || context_.record(effect.unit).phase != Phase::starting)
        return false;
    if (unit.name == entry_)
        entry_failure_ = no_process; // if it never comes to one
    if (std::string text = "cannot start yet: " + why.text() + "; tried again until start-timeout";
        !std::exchange(context_.units[effect.unit].postponed, true)) {
        if (postponed_.empty())
            context_.say(Priority::warning, unit.name + " " + text);
        context_.logs.line(unit.name, Priority::warning, text);
    }
    start_again(effect, context_.now + pause);
    return true;
}

// One that is starting: its process is made later, when what it needs may be there.
void Starter::start_again(const core::Effect& effect, Instant when) {
    if (postponed_.empty())
        removals_seen_ = services_.removal.ended();
    postponed_.push_back(effect);
    spawn_again_ = std::min(spawn_again_, when);
}

void Starter::take_up_postponed() {
    (void)drop_unwanted();
    if (context_.now < spawn_again_ && removals_seen_ == services_.removal.ended())
        return;
    removals_seen_ = services_.removal.ended();
    spawn_again_ = never;
    effects_.push(std::exchange(postponed_, {}));
}

bool Starter::drop_unwanted() {
    std::vector<core::Effect> unwanted = parked_.take_unwanted();
    std::erase_if(postponed_, [&](const core::Effect& effect) {
        const bool wanted = context_.record(effect.unit).phase == Phase::starting;
        if (!wanted)
            unwanted.push_back(effect);
        return !wanted;
    });
    for (const core::Effect& effect : unwanted)
        not_wanted(effect);
    return !unwanted.empty();
}

void Starter::not_wanted(const core::Effect& effect) {
    context_.apply({.kind = Event::Kind::spawn_failed,
                    .unit = effect.unit,
                    .role = effect.role,
                    .detail = "it was stopped meanwhile"});
}

void Starter::unit_gone(core::UnitId unit) {
    std::erase_if(postponed_, [unit](const core::Effect& effect) { return effect.unit == unit; });
}

// Changed limits are put in force where that can be.
void Starter::units_reread() {
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase) && !processes_.uses_session(id))
            for (const std::string& line : resources_.adapt(context_.unit(id)))
                context_.log(id, Priority::warning, line);
}

// The words for a start that failed, in the log and for the engine.
void Starter::failed(const core::Effect& effect, NoStart why, int code) {
    const core::Unit& unit = context_.unit(effect.unit);
    if (unit.name == entry_) {
        const std::string& program = unit.service.command.front();
        const os::PathQuestion question{
            .path = program.starts_with('/') ? program : context_.surroundings.started_in_path + "/" + program};
        const auto answers = context_.kernel.answer_here({&question, 1}, context_.surroundings.hanging);
        const bool is_there = answers && answers->front().code == 0;
        context_.say(Priority::err, "cannot start \"" + unit.service.command.front() + "\": " + why.words);
        entry_failure_ = means_scarce(code) ? no_process : code == ENOENT && !is_there ? 127 : 126;
    }
    // Of other roles the failure of the unit's start tells. A probe is tried again and again: it is said once.
    if (effect.role == Role::probe && context_.record(effect.unit).probe_failures == 0)
        context_.logs.line(unit.name, Priority::warning, "its health probe cannot run: " + why.words);
    if (effect.role == Role::reload || effect.role == Role::stop || effect.role == Role::post_stop)
        context_.logs.line(unit.name, Priority::err,
                           std::string(core::name(effect.role)) + " cannot start: " + why.words);
    // The last shell of a machine is tried as long as that runs: what it lacks may be mounted or copied.
    context_.apply({.kind = Event::Kind::spawn_failed,
                    .unit = effect.unit,
                    .role = effect.role,
                    .detail = std::move(why.words),
                    .lasts = why.lasts && unit.name != builtin_name});
}

// --- saved state ------------------------------------------------------------------------------------------------------

void Starter::save(state::ManagerImage& image) const {
    image.entry_failure = entry_failure_;
    image.entry_directory = context_.surroundings.started_in_path;
}

void Starter::restore(const state::ManagerImage& image) {
    entry_failure_ = image.entry_failure;
    context_.surroundings.started_in_path = image.entry_directory;
}

void Starter::save_unit(core::UnitId id, state::UnitImage& image) const {
    const UnitRun& run = context_.units[id];
    image.digest = run.digest;
    image.lacks = run.lacks;
    image.network = run.own.network.get();
    image.network_inode = os::inode_of(image.network);
}

void Starter::restore_unit(core::UnitId id, state::UnitImage& image) {
    UnitRun& run = context_.units[id];
    run.digest = image.digest;
    run.lacks = std::move(image.lacks);
    run.own.network = Fd(image.network);
    if (core::active(context_.record(id).phase) && !processes_.uses_session(id))
        resources_.go_on(context_.unit(id));
}

} // namespace mi::daemon
