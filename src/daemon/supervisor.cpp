#include "daemon/supervisor.hpp"

#include "core/explain.hpp"
#include "os/timed_child.hpp"

#include <poll.h>
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
      surroundings_(std::move(beginning.surroundings)), console_(place_.system()), quiet_(beginning.quiet),
      log_level_(beginning.log_level), rewrites_(std::move(beginning.rewrites)), signal_group_(beginning.signal_group),
      grace_(beginning.grace), entry_(std::move(beginning.entry)), guard_(beginning.guard),
      debug_faults_(beginning.debug_faults), processes_(open_cgroups(place_, beginning.before, no_cgroups_)),
      resources_(processes_.cgroups(), no_cgroups_),
      logs_(loop, spawner, *this,
            {place_.program, place_.log_directories, log_limits(settings_, nullptr), settings_.forward,
             settings_.forward_queue,
             processes_.cgroups() != nullptr ? processes_.cgroups()->state().prefix : std::string(),
             settings_.total_size, console_of_units(settings_, place_),
             static_cast<Priority>(settings_.console_level.value_or(0))}),
      inquiries_(loop, surroundings_.hanging), pid_files_(surroundings_.hanging),
      timers_(loop, *this, timer_settings(place_)),
      premises_(Fd(beginning.before != nullptr ? beginning.before->manager.premises : -1)), upward_(address_above()),
      connections_(loop, *this), keeper_(std::move(beginning.keeper)), before_(beginning.before),
      renew_(beginning.renew), attempts_(place_.state_directory), init_started_(beginning.init_started) {
    exits_.reserve(exits_a_turn);
    console_.wait_in(loop);
    surroundings_.settings = &settings_;
    surroundings_.refresh();
    std::uint64_t seed = static_cast<std::uint64_t>(loop::now().since_boot.count()) ^
                         static_cast<std::uint64_t>(loop::wall_now().micros);
    now_ = loop::now();
    units_loaded_ = now_;
    engine_ = std::make_unique<core::Engine>(std::move(beginning.graph),
                                             core::Engine::Settings{settings_.parallel_starts, seed});
    live_.resize(engine_->graph().size());
}

Supervisor::~Supervisor() = default;

void Supervisor::open() {
    auto watch = [this](int fd, loop::Loop::Callback readable) {
        auto watched = loop_.watch(fd, std::move(readable));
        if (watched)
            watches_.push_back(std::move(*watched));
        else
            say(Priority::err, watched.error().text());
    };
    if (place_.system())
        resources_.share_and_count();
    loop_.set_due([this] { due(); });
    loop_.set_turn_end([this] { turn(); });
    watch(signals_.fd(), [this] { signals_pending(); });
    if (guard_ != nullptr) {
        guard_->page().limit = settings_.crash_limit;
        watch(guard_->wake(), [] {}); // the end of the turn sees to it
    }
    if (fd_store_.fd() >= 0)
        watch(fd_store_.fd(), [this] { fd_store_.drop_dead(); });
    if (pid_files_.fd() >= 0)
        watch(pid_files_.fd(), [this] {
            pid_files_.drain();
            check_pid_files();
        });
    if (auto started = before_ != nullptr ? logs_.go_on(*before_, now_, renew_) : logs_.start(now_); !started)
        say(Priority::err, started.error().text() + "; tried again, what services write waits");
    if (guard_ != nullptr && logs_.own_lines() >= 0)
        guard_->page().log = logs_.own_lines();
    mind_watchdog();
    if (premises_.fd() >= 0)
        watch(premises_.fd(), [this] {
            premises_.drain();
            mind_premises(false);
            if (logs_.directory() != place_.log_directories.front())
                logs_.try_storage(); // perhaps it was that which was mounted
        });
}

Outcome Supervisor::run(const std::vector<std::string>& targets) {
    now_ = loop::now();
    for (const std::string& target : targets)
        if (core::UnitId id = engine_->graph().find(target); id != core::no_unit)
            engine_->apply({.kind = core::Event::Kind::wish, .unit = id}, now_);
    engine_->settle(now_);
    if (before_ == nullptr)
        open_sockets_early();
    turn();
    if (!over_)
        loop_.run();
    os::await_children(removals_, std::min(longest_removal, (outcome_.deadline - loop::now()) / 8));
    return outcome_;
}

void Supervisor::say(Priority priority, const std::string& text) {
    logs_.line({}, priority, text);
    int level = static_cast<int>(priority);
    int shown = place_.system() && !quiet_ ? std::min(log_level_, 6) : std::min(log_level_, 4);
    if (level <= shown)
        console_.line(text);
    if (observer_ != nullptr)
        observer_->announced(text);
}

void Supervisor::tell(const core::Event& event) {
    now_ = loop::now();
    engine_->apply(event, now_);
}

// --- the turn ---------------------------------------------------------------------------------------------------------

void Supervisor::turn() {
    now_ = loop::now();
    ++turn_;
    pump();
    // Only now the calls of those who may not act: they have a share of the turn's time, and what came before came first.
    if (control_ && control_->take_calls())
        pump();
    lift_barriers();
    tell_above();
    if (observer_ != nullptr)
        observer_->turn_ended();
    if (forget_transients()) {
        pump();
        if (observer_ != nullptr)
            observer_->turn_ended();
    }
    flush_output();
    if (control_)
        control_->finish_turn();
    logs_.end_turn();
    remember();
    give_way();
    set_timer();
    if (guard_ != nullptr && guard_->asked() != nullptr)
        guard_->crash_now();
}

void Supervisor::serve(std::unique_ptr<ControlServer> control) {
    control_ = std::move(control);
    manager_moved_ = true;
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
            engine_->settle(now_);
            std::vector<core::Effect> fresh = engine_->take_effects();
            effects_.assign(fresh.begin(), fresh.end());
        }
        if (effects_.empty() && drop_unwanted_starts())
            continue;
        if (effects_.empty()) {
            if (!processes_.has_news() || now_ < sweep_not_before_)
                break;
            processes_.set_own(logs_.pid());
            Instant began = loop::now();
            std::vector<core::UnitId> done = processes_.swept();
            // A look costs as much as there are processes: one stop is answered at once, a thousand share their looks.
            now_ = loop::now();
            sweep_not_before_ = now_ + 4 * (now_ - began);
            if (done.empty())
                break;
            for (core::UnitId unit : done)
                engine_->apply({.kind = core::Event::Kind::emptied, .unit = unit}, now_);
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
                   : processes_.sweeping() ? now_ + std::chrono::milliseconds(200)
                                           : never;
}

// The answer may come in a later turn: then it is to the start that asked, and to none that came after it.
void Supervisor::check_conditions(core::UnitId id) {
    const core::Record& record = engine_->record(id);
    inquiries_.ask(questions_of(engine_->graph().unit(id).conditions), patience_for(record),
                   [this, name = engine_->graph().name(id), digest = engine_->graph().unit(id).digest,
                    start = record.since](PathInquiries::Answer answers) {
                       const core::UnitId unit = engine_->graph().find(name);
                       if (unit == core::no_unit || engine_->record(unit).since != start)
                           return;
                       now_ = loop::now();
                       const std::vector<core::Condition>& conditions = engine_->graph().unit(unit).conditions;
                       using Kind = core::Event::Kind;
                       if (!answers)
                           return engine_->apply(
                               {.kind = Kind::conditions_unknown,
                                .unit = unit,
                                .detail = "cannot look whether its conditions hold: " + answers.error()},
                               now_);
                       if (engine_->graph().unit(unit).digest != digest) // its file was read anew meanwhile
                           return check_conditions(unit);
                       auto missing = unmet(conditions, circumstances_, *answers);
                       engine_->apply({.kind = missing ? Kind::condition_unmet : Kind::conditions_met,
                                       .unit = unit,
                                       .detail = missing.value_or("")},
                                      now_);
                   });
}

// Until when a start waits for a file system: rather less long than its start-timeout, so that it can tell what it waited for.
Instant Supervisor::patience_for(const core::Record& record) const {
    Instant until = now_ + PathInquiries::patience;
    if (record.deadline != never)
        until = std::min(until, now_ + (record.deadline - now_) * 3 / 4);
    return until;
}

void Supervisor::perform(const core::Effect& effect) {
    core::UnitId unit = effect.unit;
    switch (effect.kind) {
    case core::Effect::Kind::check_conditions: check_conditions(unit); break;
    case core::Effect::Kind::open_sockets: open_sockets(unit); break;
    case core::Effect::Kind::close_sockets: close_sockets(engine_->graph().name(unit)); break;
    case core::Effect::Kind::arm:
        await_connections(unit);
        timers_.arm(unit, engine_->graph().unit(unit));
        break;
    case core::Effect::Kind::disarm:
        connections_.disarm(engine_->graph().name(unit));
        timers_.disarm(unit);
        break;
    case core::Effect::Kind::spawn: spawn(effect); break;
    case core::Effect::Kind::await_pid_file: await_pid_file(unit); break;
    case core::Effect::Kind::signal: {
        const core::Record& record = engine_->record(unit);
        if (record.phase == core::Phase::stopping) {
            thaw(unit);
            give_up_starts_of(unit);
        }
        processes_.signal(unit, engine_->graph().name(unit), effect.scope, effect.number,
                          effect.role == core::Role::reload ? 0 : record.main_pid, record.hook_pid);
        break;
    }
    case core::Effect::Kind::sweep:
        thaw(unit);
        give_up_starts_of(unit);
        processes_.sweep(unit, engine_->graph().name(unit), effect.scope, effect.number);
        break;
    case core::Effect::Kind::changed: changed(effect); break;
    case core::Effect::Kind::release: released(unit); break;
    case core::Effect::Kind::conclude: {
        const core::ExitStatus& exit = engine_->record(unit).last_exit;
        int code = exit.kind == core::ExitStatus::Kind::signal          ? 128 + exit.number
                   : exit.kind == core::ExitStatus::Kind::code          ? exit.number
                   : engine_->graph().name(unit) == entry_              ? entry_failure_
                   : engine_->record(unit).phase == core::Phase::failed ? 1
                                                                        : 0;
        say(Priority::info, engine_->graph().name(unit) + " has ended, and with it everything is to end");
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
        if (!logs_.flush(last ? barrier : 0, {streams.begin() + static_cast<std::ptrdiff_t>(from),
                                              streams.begin() + static_cast<std::ptrdiff_t>(to)})) {
            control_->release(barrier);
            return;
        }
    }
    held_.push_back({barrier, now_ + longest_hold});
}

void Supervisor::flushed(std::uint64_t token) {
    if (token == 0 || !control_)
        return;
    while (!held_.empty() && held_.front().barrier <= token) {
        control_->release(held_.front().barrier);
        held_.pop_front();
    }
}

void Supervisor::log_trouble(const std::string& text) { say(Priority::warning, text); }

void Supervisor::collector_started() {
    manager_moved_ = true;
    if (guard_ != nullptr && logs_.own_lines() >= 0)
        guard_->page().log = logs_.own_lines();
    remember();
}

void Supervisor::set_timer() {
    if (over_)
        return;
    Instant at = engine_->next_deadline();
    at = std::min({at, logs_.next_deadline(), sweep_again_, memory_again_, give_up_at_, report_at_, listen_again_,
                   check_until_, connections_.next_deadline(), schedule_again_, pet_at_, spawn_again_, premises_again_,
                   inquiries_.next_deadline(), pid_files_.next_look()});
    if (control_)
        at = std::min(at, control_->next_deadline());
    if (!on_their_way_.empty())
        at = std::min(at, next_look_at_starts());
    if (!held_.empty())
        at = std::min(at, held_.front().until);
    if (!effects_.empty() || more_to_reap_)
        at = now_;
    loop_.wake_at(at);
}

void Supervisor::due() {
    const Instant moment = loop::now();
    reap(); // who has ended is not late
    if (listen_again_ <= now_)
        listen_again();
    inquiries_.due(now_); // before the engine: it may have waited for that
    if (pid_files_.next_look() <= now_)
        check_pid_files();
    if (!more_to_reap_) {
        for (core::UnitId unit : engine_->due(moment))
            hear_out(unit);
        engine_->apply({.kind = core::Event::Kind::due}, moment);
    }
    logs_.due(now_);
    if (check_until_ <= now_)
        check_took_too_long();
    connections_.due(now_);
    if (!on_their_way_.empty())
        look_at_starts();
    if (schedule_again_ <= now_)
        follow_schedule(true);
    if (control_)
        control_->due(now_);
    if (premises_again_ <= now_)
        mind_premises(true);
    if (sweep_again_ <= now_)
        processes_.note_end();
    if (memory_again_ <= now_)
        memory_events_pending();
    if (pet_at_ <= now_)
        pet_watchdog();
    while (control_ && !held_.empty() && held_.front().until <= now_) {
        control_->release(held_.front().barrier);
        held_.pop_front();
    }
    report_slow_stops();
}

// A unit's time is up, but perhaps we are late ourselves: what it has said and done by now counts before it is judged.
void Supervisor::hear_out(core::UnitId id) {
    hear(id, NotifyLine::most_unread);
    ready_pending(id, whole_pipe);
    if (pollfd end{live_[id].main_end.get(), POLLIN, 0}; end.fd >= 0 && ::poll(&end, 1, 0) == 1)
        main_gone(id, engine_->record(id).main_pid);
}

// --- processes that ended ---------------------------------------------------------------------------------------------

void Supervisor::reap() {
    exits_.clear();
    bool all = os::reap(exits_, exits_a_turn, true);
    now_ = loop::now();
    std::erase_if(exits_, [this](const os::Exit& change) {
        if (change.kind == os::Exit::Kind::stopped)
            logs_.stopped(change.pid, change.code, now_);
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
    if (pid_files_.any())
        check_pid_files();
}

void Supervisor::exited(const os::Exit& exit) {
    if (checked(exit))
        return;
    if (logs_.exited(exit.pid, exit.code, exit.kind == os::Exit::Kind::killed, now_)) {
        // Its successor reads what is left; nobody waits for the word of a dead one.
        while (control_ && !held_.empty()) {
            control_->release(held_.front().barrier);
            held_.pop_front();
        }
        if (logs_.finished())
            finish();
        return;
    }
    if (timers_.exited(exit.pid, exit.kind == os::Exit::Kind::killed ? -1 : exit.code))
        return;
    if (auto written = attempts_.exited(exit.pid, exit.kind == os::Exit::Kind::killed ? -1 : exit.code)) {
        if (!written->trouble.empty())
            say(Priority::warning, written->trouble);
        if (written->too_many)
            too_many_boots();
        return;
    }
    const Processes::Known* known = processes_.find(exit.pid);
    if (known != nullptr && ended_on_its_way(exit.pid))
        return;
    if (known == nullptr) {
        removed(exit.pid);
        if (!inquiries_.exited(exit.pid) && !fd_store_.closer_ended(exit.pid))
            processes_.note_orphan();
        return;
    }
    Processes::Known process = *known;
    if (process.unit != core::no_unit) { // what it said before it ended is heard before its end is
        hear(process.unit, NotifyLine::most_unread);
        ready_pending(process.unit, whole_pipe);
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
        connection_ended(process.unit, exit.pid, status);
        return;
    }
    // A main process that has handed its part to another (MAINPID=) is one of the rest.
    if (process.role == core::Role::main &&
        (engine_->record(process.unit).main_pid != exit.pid || handed_on(process.unit, exit.pid)))
        return;
    // Asked before the sweep, with which the cgroup goes; a kill of our own is none of the kernel's.
    std::optional<std::string> memory;
    if (exit.kind == os::Exit::Kind::killed && exit.code == SIGKILL &&
        engine_->record(process.unit).stage != core::Stage::kill)
        memory = resources_.killed_for_memory(engine_->graph().unit(process.unit), now_, true);
    status.oom = memory.has_value();
    engine_->apply({.kind = core::Event::Kind::exited,
                    .unit = process.unit,
                    .role = process.role,
                    .pid = exit.pid,
                    .exit = status,
                    .detail = memory.value_or("")},
                   now_);
}

} // namespace mi::daemon
