#include "daemon/supervisor.hpp"

#include "core/explain.hpp"

#include <sys/random.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace mi::daemon {

namespace {
constexpr std::size_t spawns_a_turn = 64; // then others are heard, too
constexpr std::size_t exits_a_turn = 1024;
constexpr Span longest_removal = std::chrono::seconds(2); // that an end waits for

// A machine has one init. Elsewhere several may share a cgroup, and none may meet another's services.
std::optional<os::CgroupTree> open_cgroups(const Place& place, const state::Snapshot* before, std::string& why_not) {
    if (before != nullptr && !before->manager.cgroup.empty()) {
        const state::ManagerImage& was = before->manager;
        if (auto tree = os::CgroupTree::go_on(
                {was.cgroup, was.cgroup_prefix, was.controllers, was.controllers_above, was.in_leaf}))
            return std::move(*tree);
    }
    std::string name = "miniinit";
    if (!place.system()) {
        std::uint32_t chance = 0;
        if (::getrandom(&chance, sizeof chance, GRND_NONBLOCK) != sizeof chance)
            chance = static_cast<std::uint32_t>(loop::now().since_boot.count());
        name += "-" + std::to_string(chance);
    }
    auto tree = os::CgroupTree::open(name);
    if (tree)
        return std::move(*tree);
    why_not = "there is no cgroup v2 that can be written (" + tree.error().text() + ")";
    return std::nullopt;
}

std::uint64_t jitter_seed() {
    return static_cast<std::uint64_t>(loop::now().since_boot.count()) ^
           static_cast<std::uint64_t>(loop::wall_now().micros);
}

// Where important lines of units are shown: where we say things ourselves.
std::string console_of_units(const core::ManagerSettings& settings, const Place& place) {
    if (!settings.console_level)
        return {};
    return place.system() ? "/dev/console" : std::string(wire::logs::own_output);
}

} // namespace

Supervisor::Supervisor(loop::Loop& loop, os::Spawner& spawner, os::SignalQueue& signals, Beginning beginning)
    : loop_(loop), spawner_(spawner), place_(std::move(beginning.place)), settings_(std::move(beginning.settings)),
      circumstances_(std::move(beginning.circumstances)), surroundings_(std::move(beginning.surroundings)),
      entry_(std::move(beginning.entry)), guard_(beginning.guard), debug_faults_(beginning.debug_faults),
      engine_(std::move(beginning.graph), {settings_.parallel_starts, jitter_seed()}),
      processes_(open_cgroups(place_, beginning.before, no_cgroups_)), resources_(processes_.cgroups(), no_cgroups_),
      logs_(loop, spawner, *this,
            {place_.program, place_.log_directories, log_limits(settings_, nullptr), settings_.forward,
             settings_.forward_queue,
             processes_.cgroups() != nullptr ? processes_.cgroups()->state().prefix : std::string(),
             settings_.total_size, console_of_units(settings_, place_),
             static_cast<Priority>(settings_.console_level.value_or(0))}),
      announcer_(loop, logs_, place_.system(),
                 std::min(beginning.log_level, place_.system() && !beginning.quiet ? 6 : 4)),
      context_{loop, place_, settings_, surroundings_, engine_, units_, logs_, announcer_, children_},
      parent_notify_(context_, boot_target_, !entry_.empty()),
      shutdown_(context_, processes_, *this, entry_.empty() ? std::nullopt : std::optional(beginning.grace)),
      reachability_(context_, shutdown_, *this, guard_,
                    beginning.before != nullptr ? beginning.before->manager.premises : -1),
      signals_(context_, signals, shutdown_, *this, {entry_, std::move(beginning.rewrites), beginning.signal_group}),
      inquiries_(loop, surroundings_.hanging), timers_(loop, *this, timer_settings(place_)),
      main_process_(context_, processes_, inquiries_, *this),
      notify_(context_, processes_, main_process_, fd_store_, *this), ready_pipe_(context_, *this),
      connections_(loop, *this), flush_(context_),
      starter_(context_, spawner, processes_, resources_, flush_, inquiries_, effects_, entry_, *this),
      unit_files_(context_, effects_, subsystems_, entry_, [this] { settings_read(); }),
      transient_units_(context_, unit_files_),
      store_(context_, *this, std::move(beginning.keeper), beginning.guard, effects_, exits_, processes_, fd_store_,
             beginning.before != nullptr),
      succession_(context_, spawner, processes_, store_, beginning.guard, *this), before_(beginning.before),
      renew_(beginning.renew), init_started_(beginning.init_started) {
    exits_.exits.reserve(exits_a_turn);
    surroundings_.settings = &settings_;
    surroundings_.refresh();
    context_.now = loop::now();
    units_loaded_ = context_.now;
    units_.fit(engine_.graph().size());
    // Changes of units are told in this order: what asks whether the boot target is reached comes after it.
    subsystems_ = {&notify_,
                   &ready_pipe_,
                   &main_process_,
                   &starter_,
                   &starter_.pending(),
                   &starter_.parked(),
                   &transient_units_,
                   &background_,
                   &directory_removal_,
                   &boot_target_,
                   &schedule_,
                   &reachability_,
                   &hardware_watchdog_,
                   &shutdown_report_,
                   &shutdown_,
                   &succession_,
                   &flush_,
                   &others_};
}

Supervisor::~Supervisor() = default;

void Supervisor::open() {
    auto watch = [this](int fd, loop::Loop::Callback readable) {
        watches_.push_back(context_.watch(fd, std::move(readable)));
    };
    if (context_.place.system())
        resources_.share_and_count();
    context_.loop.set_due([this] { due(); });
    context_.loop.set_turn_end([this] { turn(); });
    signals_.open();
    if (guard_ != nullptr) {
        guard_->page().limit = context_.settings.crash_limit;
        watch(guard_->wake(), [] {}); // the end of the turn sees to it
    }
    if (fd_store_.fd() >= 0)
        watch(fd_store_.fd(), [this] { fd_store_.drop_dead(); });
    main_process_.open();
    if (auto started = before_ != nullptr ? context_.logs.go_on(*before_, context_.now, renew_)
                                          : context_.logs.start(context_.now);
        !started)
        context_.say(Priority::err, started.error().text() + "; tried again, what services write waits");
    if (guard_ != nullptr && context_.logs.own_lines() >= 0)
        guard_->page().log = context_.logs.own_lines();
    hardware_watchdog_.apply_settings();
    reachability_.open();
}

Shutdown::Outcome Supervisor::run(const std::vector<std::string>& targets) {
    context_.now = loop::now();
    for (const std::string& target : targets)
        if (core::UnitId id = context_.graph().find(target); id != core::no_unit)
            context_.engine.apply({.kind = core::Event::Kind::wish, .unit = id}, context_.now);
    context_.engine.settle(context_.now);
    if (before_ == nullptr)
        open_sockets_early();
    turn();
    if (!shutdown_.over())
        context_.loop.run();
    const Shutdown::Outcome& outcome = shutdown_.outcome();
    background_.wait(std::min(longest_removal, (outcome.deadline - loop::now()) / 8));
    return outcome;
}

// --- what a start needs of others -------------------------------------------------------------------------------------

std::expected<void, std::string> Supervisor::open_notify_socket(core::UnitId unit) { return notify_.open_line(unit); }

void Supervisor::watch_ready_pipe(core::UnitId unit, Fd pipe) { ready_pipe_.listen(unit, std::move(pipe)); }

void Supervisor::write_pid_file(core::UnitId unit, pid_t pid) {
    main_process_.write_pid_file(context_.unit(unit), pid);
}

void Supervisor::check_notify_sockets(bool closely) {
    for (const Notify::Trouble& trouble : notify_.remake_sockets(closely))
        reachability_.trouble(trouble.why, trouble.consequence);
}

void Supervisor::conclude_starts_of(core::UnitId unit) { starter_.pending().conclude(unit); }

void Supervisor::process_made(core::UnitId unit, core::Role role, const os::Start& start, const Launch& launch) {
    store_.save_spawn(unit, role, start, launch);
}

void Supervisor::cgroup_in_use() {
    if (memory_watch_ == nullptr)
        listen_to_memory();
}

void Supervisor::main_process_began(core::UnitId unit) {
    if (context_.unit(unit).timer)
        timers_.began(unit);
}

void Supervisor::connection_failed(core::UnitId unit, pid_t pid, const std::string& why) {
    if (!why.empty())
        connection_trouble(context_.name(unit), "a connection is not served: " + why);
    connections_.ended(pid);
    context_.engine.mark(unit);
}

void Supervisor::end_for_another_root(bool keep) {
    schedule_.keep_quiet(); // nobody is logged in to an initramfs, and the machine goes on
    shutdown_.begin(core::Ending::switch_root, 0, keep);
}

void Supervisor::flush_answers() {
    if (control_)
        control_->flush();
}

void Supervisor::Others::unit_gone(core::UnitId unit) {
    supervisor.processes_.forget(unit);
    supervisor.fd_store_.forget(unit);
    supervisor.timers_.forget(unit);
    supervisor.close_sockets_of_gone();
}

void Supervisor::Others::units_reread() {
    supervisor.timers_.reread(supervisor.context_.graph());
    supervisor.sockets_reread();
}

void Supervisor::settings_read() {
    if (guard_ != nullptr)
        guard_->page().limit = settings_.crash_limit;
}

void Supervisor::set_observer(Observer* observer) {
    context_.observer = observer;
    announcer_.set_hearer([observer](const std::string& text) { observer->announced(text); });
}

void Supervisor::tell(const core::Event& event) {
    context_.now = loop::now();
    context_.engine.apply(event, context_.now);
}

// --- the turn ---------------------------------------------------------------------------------------------------------

void Supervisor::turn() {
    context_.now = loop::now();
    ++context_.turn;
    pump();
    // Only now the calls of those who may not act: they have a share of the turn's time, and what came before came first.
    if (control_ && control_->take_calls())
        pump();
    notify_.lift_barriers();
    parent_notify_.tell_when_ready();
    if (context_.observer != nullptr)
        context_.observer->turn_ended();
    if (transient_units_.forget_ended()) {
        pump();
        if (context_.observer != nullptr)
            context_.observer->turn_ended();
    }
    flush_.flush();
    if (control_)
        control_->finish_turn();
    context_.logs.end_turn();
    store_.save();
    succession_.give_way();
    set_timer();
    if (guard_ != nullptr && guard_->asked() != nullptr)
        guard_->crash_now();
}

void Supervisor::serve(std::unique_ptr<ControlServer> control) {
    control_ = std::move(control);
    flush_.serve(control_.get());
    store_.serve(control_.get());
    context_.manager_moved = true;
    reachability_.serve(*control_);
}

void Supervisor::shutdown_begins(std::string_view what) {
    schedule_.end_begins(what);
    reachability_.shutdown_begins();
    parent_notify_.tell_stopping();
}

void Supervisor::shutdown_is_over() {
    if (control_)
        control_->flush();
    reachability_.remove_syslog();
    clear_transient(context_.place, succession_.names_kept());
}

pid_t Supervisor::main_on_its_way(core::UnitId unit) const { return starter_.pending().pid_of(unit, core::Role::main); }

void Supervisor::reload() {
    reachability_.check(true);
    const UnitFiles::Reread units = unit_files_.reread();
    for (const std::string& problem : units.problems)
        context_.say(Priority::warning, problem);
    context_.say(Priority::info, "units read again: " + std::to_string(units.added.size()) + " added, " +
                                     std::to_string(units.changed.size()) + " changed, " +
                                     std::to_string(units.removed.size()) + " removed");
}

// Settles and does what follows, until nothing follows any more or so much was done that others have to be heard.
void Supervisor::pump() {
    std::size_t spawns = 0;
    starter_.take_up_postponed();
    for (;;) {
        if (effects_.empty()) {
            context_.engine.settle(context_.now);
            effects_.push(context_.engine.take_effects());
        }
        if (effects_.empty() && starter_.parked().drop_unwanted())
            continue;
        if (effects_.empty()) {
            if (!processes_.has_news() || context_.now < sweep_not_before_)
                break;
            processes_.set_own(context_.logs.pid());
            Instant began = loop::now();
            std::vector<core::UnitId> done = processes_.swept();
            // A look costs as much as there are processes: one stop is answered at once, a thousand share their looks.
            context_.now = loop::now();
            sweep_not_before_ = context_.now + 4 * (context_.now - began);
            if (done.empty())
                break;
            for (core::UnitId unit : done)
                context_.engine.apply({.kind = core::Event::Kind::emptied, .unit = unit}, context_.now);
            continue;
        }
        // What a process is made for is on record before it is there, and that it is as soon as it is.
        const bool spawns_now = effects_.front().kind == core::Effect::Kind::spawn;
        if (spawns_now && ++spawns > spawns_a_turn)
            break;
        if (spawns_now)
            store_.save();
        const core::Effect effect = effects_.take();
        note_effect(effect);
        perform(effect);
        if (spawns_now)
            follow_spawn();
    }
    // A leftover whose parent is no child of ours ends without our hearing of it.
    sweep_again_ = processes_.has_news()   ? sweep_not_before_
                   : processes_.sweeping() ? context_.now + std::chrono::milliseconds(200)
                                           : never;
}

// What follows from a process that is there: that its unit is up is told at once, so that the unit is saved once with all of it,
// before the next process is made or at the end of the turn. Until then the saved spawn stands for it.
void Supervisor::follow_spawn() {
    bool at_once = true;
    for (const core::Effect& effect : context_.engine.take_effects()) {
        at_once = at_once && effect.kind == core::Effect::Kind::changed;
        if (at_once)
            perform(effect);
        else
            effects_.push(effect);
    }
}

// What it does to the unit is more than its record shows; but of a start that begins, the record's own moment tells.
void Supervisor::note_effect(const core::Effect& effect) {
    const bool told = effect.kind == core::Effect::Kind::changed &&
                      (effect.to == core::Phase::waiting || effect.to == core::Phase::starting);
    if (effect.unit != core::no_unit && !told)
        context_.engine.mark(effect.unit);
}

// The answer may come in a later turn: then it is to the start that asked, and to none that came after it.
void Supervisor::check_conditions(core::UnitId id) {
    const core::Record& record = context_.record(id);
    inquiries_.ask(questions_of(context_.unit(id).conditions), PathInquiries::patience_for(record, context_.now),
                   [this, name = context_.name(id), digest = context_.unit(id).digest,
                    start = record.since](PathInquiries::Answer answers) {
                       const core::UnitId unit = context_.graph().find(name);
                       if (unit == core::no_unit || context_.record(unit).since != start)
                           return;
                       context_.now = loop::now();
                       const std::vector<core::Condition>& conditions = context_.unit(unit).conditions;
                       using Kind = core::Event::Kind;
                       if (!answers)
                           return context_.engine.apply(
                               {.kind = Kind::conditions_unknown,
                                .unit = unit,
                                .detail = "cannot look whether its conditions hold: " + answers.error()},
                               context_.now);
                       if (context_.unit(unit).digest != digest) // its file was read anew meanwhile
                           return check_conditions(unit);
                       auto missing = unmet(conditions, circumstances_, *answers);
                       context_.engine.apply({.kind = missing ? Kind::condition_unmet : Kind::conditions_met,
                                              .unit = unit,
                                              .detail = missing.value_or("")},
                                             context_.now);
                   });
}

void Supervisor::perform(const core::Effect& effect) {
    core::UnitId unit = effect.unit;
    switch (effect.kind) {
    case core::Effect::Kind::check_conditions: check_conditions(unit); break;
    case core::Effect::Kind::open_sockets: open_sockets(unit); break;
    case core::Effect::Kind::close_sockets: close_sockets(context_.name(unit)); break;
    case core::Effect::Kind::arm:
        await_connections(unit);
        timers_.arm(unit, context_.unit(unit));
        break;
    case core::Effect::Kind::disarm:
        connections_.disarm(context_.name(unit));
        timers_.disarm(unit);
        break;
    case core::Effect::Kind::spawn: starter_.spawn(effect); break;
    case core::Effect::Kind::await_pid_file: main_process_.await_pid_file(unit); break;
    case core::Effect::Kind::signal: {
        const core::Record& record = context_.record(unit);
        if (record.phase == core::Phase::stopping) {
            starter_.thaw(unit);
            starter_.pending().give_up(unit);
        }
        processes_.signal(unit, context_.name(unit), effect.scope, effect.number,
                          effect.role == core::Role::reload ? 0 : record.main_pid, record.hook_pid);
        break;
    }
    case core::Effect::Kind::sweep:
        starter_.thaw(unit);
        starter_.pending().give_up(unit);
        processes_.sweep(unit, context_.name(unit), effect.scope, effect.number);
        break;
    case core::Effect::Kind::changed: changed(effect); break;
    case core::Effect::Kind::release: released(unit); break;
    case core::Effect::Kind::conclude: {
        const core::ExitStatus& exit = context_.record(unit).last_exit;
        int code = exit.kind == core::ExitStatus::Kind::signal          ? 128 + exit.number
                   : exit.kind == core::ExitStatus::Kind::code          ? exit.number
                   : context_.name(unit) == entry_                      ? starter_.entry_failure()
                   : context_.record(unit).phase == core::Phase::failed ? 1
                                                                        : 0;
        context_.say(Priority::info, context_.name(unit) + " has ended, and with it everything is to end");
        shutdown_.begin(effect.ending, code);
        break;
    }
    case core::Effect::Kind::halt: shutdown_.units_are_down(); break;
    }
}

void Supervisor::flushed(std::uint64_t token) { flush_.flushed(token); }

void Supervisor::log_trouble(const std::string& text) { context_.say(Priority::warning, text); }

void Supervisor::collector_started() {
    context_.manager_moved = true;
    if (guard_ != nullptr && context_.logs.own_lines() >= 0)
        guard_->page().log = context_.logs.own_lines();
    store_.save();
}

void Supervisor::set_timer() {
    if (shutdown_.over())
        return;
    Instant at = context_.engine.next_deadline();
    at = std::min({at, context_.logs.next_deadline(), sweep_again_, memory_again_, connections_.next_deadline(),
                   inquiries_.next_deadline()});
    for (const Subsystem* subsystem : subsystems_)
        at = std::min(at, subsystem->next_deadline());
    if (control_)
        at = std::min(at, control_->next_deadline());
    if (!effects_.empty() || more_to_reap_)
        at = context_.now;
    context_.loop.wake_at(at);
}

void Supervisor::due() {
    const Instant moment = loop::now();
    reap(); // who has ended is not late
    for (Subsystem* subsystem : subsystems_)
        if (subsystem->next_deadline() <= context_.now)
            subsystem->due(context_.now);
    inquiries_.due(context_.now); // before the engine: it may have waited for that
    if (!more_to_reap_) {
        for (core::UnitId unit : context_.engine.due(moment))
            hear_out(unit);
        context_.engine.apply({.kind = core::Event::Kind::due}, moment);
    }
    context_.logs.due(context_.now);
    connections_.due(context_.now);
    if (control_)
        control_->due(context_.now);
    if (sweep_again_ <= context_.now)
        processes_.note_end();
    if (memory_again_ <= context_.now)
        memory_events_pending();
}

// A unit's time is up, but perhaps we are late ourselves: what it has said and done by now counts before it is judged.
void Supervisor::hear_out(core::UnitId id) {
    notify_.hear_all(id);
    ready_pipe_.read_all(id);
    main_process_.look_for_end(id);
}

// --- processes that ended ---------------------------------------------------------------------------------------------

void Supervisor::reap() {
    std::vector<os::Exit>& exits = exits_.exits;
    exits.clear();
    bool all = os::reap(exits, exits_a_turn, true);
    context_.now = loop::now();
    std::erase_if(exits, [this](const os::Exit& change) {
        if (change.kind == os::Exit::Kind::stopped)
            context_.logs.stopped(change.pid, change.code, context_.now);
        return !change.ended();
    });
    exits_.at = 0;
    store_.save_exits();
    for (; exits_.at < exits.size(); ++exits_.at) {
        exited(exits[exits_.at]);
        ++exits_.done;
    }
    more_to_reap_ = !all; // SIGCHLD does not queue: we come back for the rest
    if (!exits.empty())
        processes_.note_end();
    main_process_.check_pid_files();
}

void Supervisor::exited(const os::Exit& exit) {
    if (Subsystem* owner = children_.take(exit.pid))
        return owner->exited(exit);
    if (context_.logs.exited(exit.pid, exit.code, exit.kind == os::Exit::Kind::killed, context_.now)) {
        // Its successor reads what is left; nobody waits for the word of a dead one.
        flush_.give_up();
        if (context_.logs.finished())
            shutdown_.finish();
        return;
    }
    if (timers_.exited(exit.pid, exit.kind == os::Exit::Kind::killed ? -1 : exit.code))
        return;
    const Processes::Known* known = processes_.find(exit.pid);
    if (known != nullptr && starter_.pending().ended(exit.pid))
        return;
    if (known == nullptr) {
        if (!inquiries_.exited(exit.pid) && !fd_store_.closer_ended(exit.pid))
            processes_.note_orphan();
        return;
    }
    Processes::Known process = *known;
    if (process.unit != core::no_unit) { // what it said before it ended is heard before its end is
        notify_.hear_all(process.unit);
        ready_pipe_.read_all(process.unit);
    }
    processes_.remove(exit.pid);
    if (process.unit == core::no_unit)
        return;
    for (StreamId stream : process.streams)
        flush_.add(stream);
    flush_.take_barrier();
    core::ExitStatus status = exit_status(exit);
    if (process.role == core::Role::connection) {
        connection_ended(process.unit, exit.pid, status);
        return;
    }
    // A main process that has handed its part to another (MAINPID=) is one of the rest.
    if (process.role == core::Role::main &&
        (context_.record(process.unit).main_pid != exit.pid || main_process_.handed_on(process.unit, exit.pid)))
        return;
    // Asked before the sweep, with which the cgroup goes; a kill of our own is none of the kernel's.
    std::optional<std::string> memory;
    if (exit.kind == os::Exit::Kind::killed && exit.code == SIGKILL &&
        context_.record(process.unit).stage != core::Stage::kill)
        memory = resources_.killed_for_memory(context_.unit(process.unit), context_.now, true);
    status.oom = memory.has_value();
    context_.engine.apply({.kind = core::Event::Kind::exited,
                           .unit = process.unit,
                           .role = process.role,
                           .pid = exit.pid,
                           .exit = status,
                           .detail = memory.value_or("")},
                          context_.now);
}

} // namespace mi::daemon
