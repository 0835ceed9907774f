#include "daemon/supervisor.hpp"

#include "core/explain.hpp"
#include "os/timed_child.hpp"

#include <sys/random.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace mi::daemon {

namespace {
constexpr std::size_t spawns_a_turn = 64; // then others are heard, too
constexpr std::size_t exits_a_turn = 1024;
constexpr std::ptrdiff_t most_unflushed = 1024;
constexpr Span longest_removal = std::chrono::seconds(2); // that an end waits for
constexpr Span longest_hold = std::chrono::seconds(1);

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
    : loop_(loop), spawner_(spawner), signals_(signals), place_(std::move(beginning.place)),
      settings_(std::move(beginning.settings)), circumstances_(std::move(beginning.circumstances)),
      surroundings_(std::move(beginning.surroundings)), rewrites_(std::move(beginning.rewrites)),
      signal_group_(beginning.signal_group), grace_(beginning.grace), entry_(std::move(beginning.entry)),
      guard_(beginning.guard), debug_faults_(beginning.debug_faults),
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
      inquiries_(loop, surroundings_.hanging), timers_(loop, *this, timer_settings(place_)),
      memory_events_(context_, resources_), activation_(context_, circumstances_, fd_store_, *this),
      main_process_(context_, processes_, inquiries_, *this),
      notify_(context_, processes_, main_process_, fd_store_, *this), ready_pipe_(context_, *this),
      premises_(Fd(beginning.before != nullptr ? beginning.before->manager.premises : -1)), upward_(address_above()),
      keeper_(std::move(beginning.keeper)), before_(beginning.before), renew_(beginning.renew),
      attempts_(place_.state_directory), init_started_(beginning.init_started) {
    exits_.reserve(exits_a_turn);
    surroundings_.settings = &settings_;
    surroundings_.refresh();
    context_.now = loop::now();
    units_loaded_ = context_.now;
    units_.fit(engine_.graph());
    subsystems_ = {&notify_, &ready_pipe_, &main_process_, &activation_, &fd_store_, &memory_events_};
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
    watch(signals_.fd(), [this] { signals_pending(); });
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
    mind_watchdog();
    if (premises_.fd() >= 0)
        watch(premises_.fd(), [this] {
            premises_.drain();
            mind_premises(false);
            if (context_.logs.directory() != context_.place.log_directories.front())
                context_.logs.try_storage(); // perhaps it was that which was mounted
        });
}

Outcome Supervisor::run(const std::vector<std::string>& targets) {
    context_.now = loop::now();
    for (const std::string& target : targets)
        if (core::UnitId id = context_.graph().find(target); id != core::no_unit)
            context_.engine.apply({.kind = core::Event::Kind::wish, .unit = id}, context_.now);
    context_.engine.settle(context_.now);
    if (before_ == nullptr)
        activation_.open_early();
    turn();
    if (!over_)
        context_.loop.run();
    os::await_children(removals_, std::min(longest_removal, (outcome_.deadline - loop::now()) / 8));
    return outcome_;
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
    tell_above();
    if (context_.observer != nullptr)
        context_.observer->turn_ended();
    if (forget_transients()) {
        pump();
        if (context_.observer != nullptr)
            context_.observer->turn_ended();
    }
    flush_output();
    if (control_)
        control_->finish_turn();
    context_.logs.end_turn();
    remember();
    give_way();
    set_timer();
    if (guard_ != nullptr && guard_->asked() != nullptr)
        guard_->crash_now();
}

void Supervisor::serve(std::unique_ptr<ControlServer> control) {
    control_ = std::move(control);
    context_.manager_moved = true;
    if (guard_ != nullptr)
        guard_->page().control = control_->listener();
}

// Settles and does what follows, until nothing follows any more or so much was done that others have to be heard.
void Supervisor::pump() {
    std::size_t spawns = 0;
    if (!postponed_.empty())
        take_up_postponed();
    for (;;) {
        if (effects_.empty()) {
            context_.engine.settle(context_.now);
            std::vector<core::Effect> fresh = context_.engine.take_effects();
            effects_.assign(fresh.begin(), fresh.end());
        }
        if (effects_.empty() && drop_unwanted_starts())
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
            remember();
        perform(next_effect());
        if (spawns_now)
            follow_spawn();
    }
    // A leftover whose parent is no child of ours ends without our hearing of it.
    sweep_again_ = processes_.has_news()   ? sweep_not_before_
                   : processes_.sweeping() ? context_.now + std::chrono::milliseconds(200)
                                           : never;
}

// The answer may come in a later turn: then it is to the start that asked, and to none that came after it.
void Supervisor::check_conditions(core::UnitId id) {
    const core::Record& record = context_.record(id);
    inquiries_.ask(questions_of(context_.unit(id).conditions), patience_for(record),
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

Instant Supervisor::patience_for(const core::Record& record) const {
    return PathInquiries::patience_of_start(record.deadline, context_.now);
}

void Supervisor::perform(const core::Effect& effect) {
    core::UnitId unit = effect.unit;
    switch (effect.kind) {
    case core::Effect::Kind::check_conditions: check_conditions(unit); break;
    case core::Effect::Kind::open_sockets: activation_.open(unit); break;
    case core::Effect::Kind::close_sockets: activation_.close(unit); break;
    case core::Effect::Kind::arm:
        activation_.await_connections(unit);
        timers_.arm(unit, context_.unit(unit));
        break;
    case core::Effect::Kind::disarm:
        activation_.disarm(unit);
        timers_.disarm(unit);
        break;
    case core::Effect::Kind::spawn: spawn(effect); break;
    case core::Effect::Kind::await_pid_file: main_process_.await_pid_file(unit); break;
    case core::Effect::Kind::signal: {
        const core::Record& record = context_.record(unit);
        if (record.phase == core::Phase::stopping) {
            thaw(unit);
            give_up_starts_of(unit);
        }
        processes_.signal(unit, context_.name(unit), effect.scope, effect.number,
                          effect.role == core::Role::reload ? 0 : record.main_pid, record.hook_pid);
        break;
    }
    case core::Effect::Kind::sweep:
        thaw(unit);
        give_up_starts_of(unit);
        processes_.sweep(unit, context_.name(unit), effect.scope, effect.number);
        break;
    case core::Effect::Kind::changed: changed(effect); break;
    case core::Effect::Kind::release: released(unit); break;
    case core::Effect::Kind::conclude: {
        const core::ExitStatus& exit = context_.record(unit).last_exit;
        int code = exit.kind == core::ExitStatus::Kind::signal          ? 128 + exit.number
                   : exit.kind == core::ExitStatus::Kind::code          ? exit.number
                   : context_.name(unit) == entry_                      ? entry_failure_
                   : context_.record(unit).phase == core::Phase::failed ? 1
                                                                        : 0;
        context_.say(Priority::info, context_.name(unit) + " has ended, and with it everything is to end");
        begin_ending(effect.ending, code);
        break;
    }
    case core::Effect::Kind::halt: all_down(); break;
    }
}

// From here on, whatever is answered may follow from an exit whose last words are not in the log yet.
void Supervisor::take_barrier() {
    if (!to_flush_.empty() && control_ && !barrier_ && control_->connections() > 0)
        barrier_ = control_->hold();
}

// What ended processes wrote last is in the log before anybody hears of their end: whatever is answered from here on
// waits behind a barrier until the collector says so.
void Supervisor::flush_output() {
    if (to_flush_.empty())
        return;
    if (!control_ || control_->connections() == 0) {
        // Nobody hears of these exits now; whoever asks later, call() makes wait. The oldest have long been read.
        if (std::ssize(to_flush_) > most_unflushed)
            to_flush_.erase(to_flush_.begin(), to_flush_.end() - most_unflushed / 2);
        return;
    }
    take_barrier();
    std::vector<StreamId> streams = std::exchange(to_flush_, {});
    ControlServer::Barrier barrier = *std::exchange(barrier_, std::nullopt);
    for (std::size_t from = 0; from < streams.size(); from += wire::logs::most_streams) {
        std::size_t to = std::min(streams.size(), from + wire::logs::most_streams);
        bool last = to == streams.size();
        if (!context_.logs.flush(last ? barrier : 0, {streams.begin() + static_cast<std::ptrdiff_t>(from),
                                                      streams.begin() + static_cast<std::ptrdiff_t>(to)})) {
            control_->release(barrier);
            return;
        }
    }
    held_.push_back({barrier, context_.now + longest_hold});
}

void Supervisor::flushed(std::uint64_t token) {
    if (token == 0 || !control_)
        return;
    while (!held_.empty() && held_.front().barrier <= token) {
        control_->release(held_.front().barrier);
        held_.pop_front();
    }
}

void Supervisor::log_trouble(const std::string& text) { context_.say(Priority::warning, text); }

void Supervisor::collector_started() {
    context_.manager_moved = true;
    if (guard_ != nullptr && context_.logs.own_lines() >= 0)
        guard_->page().log = context_.logs.own_lines();
    remember();
}

void Supervisor::set_timer() {
    if (over_)
        return;
    Instant at = context_.engine.next_deadline();
    at = std::min({at, context_.logs.next_deadline(), sweep_again_, give_up_at_, report_at_, check_until_,
                   schedule_again_, pet_at_, spawn_again_, premises_again_, inquiries_.next_deadline()});
    for (const Subsystem* subsystem : subsystems_)
        at = std::min(at, subsystem->next_deadline());
    if (control_)
        at = std::min(at, control_->next_deadline());
    if (!on_their_way_.empty())
        at = std::min(at, next_look_at_starts());
    if (!held_.empty())
        at = std::min(at, held_.front().until);
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
    if (check_until_ <= context_.now)
        check_took_too_long();
    if (!on_their_way_.empty())
        look_at_starts();
    if (schedule_again_ <= context_.now)
        follow_schedule(true);
    if (control_)
        control_->due(context_.now);
    if (premises_again_ <= context_.now)
        mind_premises(true);
    if (sweep_again_ <= context_.now)
        processes_.note_end();
    if (pet_at_ <= context_.now)
        pet_watchdog();
    while (control_ && !held_.empty() && held_.front().until <= context_.now) {
        control_->release(held_.front().barrier);
        held_.pop_front();
    }
    report_slow_stops();
}

// A unit's time is up, but perhaps we are late ourselves: what it has said and done by now counts before it is judged.
void Supervisor::hear_out(core::UnitId id) {
    notify_.hear_all(id);
    ready_pipe_.read_all(id);
    main_process_.look_for_end(id);
}

// --- processes that ended ---------------------------------------------------------------------------------------------

void Supervisor::reap() {
    exits_.clear();
    bool all = os::reap(exits_, exits_a_turn, true);
    context_.now = loop::now();
    std::erase_if(exits_, [this](const os::Exit& change) {
        if (change.kind == os::Exit::Kind::stopped)
            context_.logs.stopped(change.pid, change.code, context_.now);
        return !change.ended();
    });
    exit_at_ = 0;
    remember_exits();
    for (; exit_at_ < exits_.size(); ++exit_at_) {
        exited(exits_[exit_at_]);
        ++exits_done_;
    }
    more_to_reap_ = !all; // SIGCHLD does not queue: we come back for the rest
    if (!exits_.empty())
        processes_.note_end();
    main_process_.check_pid_files();
}

void Supervisor::exited(const os::Exit& exit) {
    if (Subsystem* owner = children_.take(exit.pid))
        return owner->exited(exit);
    if (checked(exit))
        return;
    if (context_.logs.exited(exit.pid, exit.code, exit.kind == os::Exit::Kind::killed, context_.now)) {
        // Its successor reads what is left; nobody waits for the word of a dead one.
        while (control_ && !held_.empty()) {
            control_->release(held_.front().barrier);
            held_.pop_front();
        }
        if (context_.logs.finished())
            finish();
        return;
    }
    if (timers_.exited(exit.pid, exit.kind == os::Exit::Kind::killed ? -1 : exit.code))
        return;
    if (auto written = attempts_.exited(exit.pid, exit.kind == os::Exit::Kind::killed ? -1 : exit.code)) {
        if (!written->trouble.empty())
            context_.say(Priority::warning, written->trouble);
        if (written->too_many)
            too_many_boots();
        return;
    }
    const Processes::Known* known = processes_.find(exit.pid);
    if (known != nullptr && ended_on_its_way(exit.pid))
        return;
    if (known == nullptr) {
        removed(exit.pid);
        if (!inquiries_.exited(exit.pid))
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
        if (stream != 0)
            to_flush_.push_back(stream);
    take_barrier();
    core::ExitStatus status = exit_status(exit);
    if (process.role == core::Role::connection) {
        activation_.ended(process.unit, exit.pid, status);
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
