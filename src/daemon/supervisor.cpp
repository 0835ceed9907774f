#include "daemon/supervisor.hpp"

#include "core/explain.hpp"

#include <sys/random.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace mi::daemon {

namespace {
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
      surroundings_(std::move(beginning.surroundings)), entry_(std::move(beginning.entry)), guard_(beginning.guard),
      debug_faults_(beginning.debug_faults),
      engine_(std::move(beginning.graph), {settings_.parallel_starts, jitter_seed()}),
      processes_(open_cgroups(place_, beginning.before, no_cgroups_)), resources_(processes_.cgroups(), no_cgroups_),
      log_upkeep_(
          context_, flush_, beginning.guard, [this] { store_.save(); }, [this] { shutdown_.finish(); }),
      logs_(loop, spawner, log_upkeep_,
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
      inquiries_(loop, surroundings_.hanging, &children_), unit_timers_(context_), memory_events_(context_, resources_),
      condition_check_(context_, inquiries_, std::move(beginning.circumstances)),
      pending_starts_(context_, processes_, starter_),
      activation_(context_, condition_check_.circumstances(), fd_store_, starter_),
      main_process_(context_, processes_, inquiries_, *this),
      notify_(context_, processes_, main_process_, fd_store_, pending_starts_), ready_pipe_(context_, pending_starts_),
      flush_(context_), starter_(context_, spawner, processes_, resources_, inquiries_, effects_, entry_,
                                 {pending_starts_, flush_, notify_, ready_pipe_, main_process_, activation_,
                                  memory_events_, unit_timers_, store_, directory_removal_}),
      sweeper_(context_, processes_), unit_processes_(context_, processes_, resources_, starter_,
                                                      {notify_, ready_pipe_, main_process_, flush_, activation_}),
      phase_report_(context_, entry_), exit_action_(context_, shutdown_, starter_, entry_),
      unit_files_(context_, effects_, subsystems_, entry_, [this] { settings_read(); }),
      transient_units_(context_, unit_files_), store_(context_, *this, std::move(beginning.keeper), beginning.guard,
                                                      effects_, exits_, processes_, beginning.before != nullptr),
      succession_(context_, spawner, processes_, store_, beginning.guard, *this),
      turn_(context_, {effects_, exits_, subsystems_, unit_processes_, starter_, sweeper_, transient_units_, flush_,
                       store_, succession_, shutdown_, beginning.guard}),
      before_(beginning.before), renew_(beginning.renew), init_started_(beginning.init_started) {
    surroundings_.settings = &settings_;
    surroundings_.refresh();
    context_.now = loop::now();
    units_loaded_ = context_.now;
    units_.fit(engine_.graph().size());
    // Changes of units are told in this order: what asks whether the boot target is reached comes after it.
    subsystems_ = {&phase_report_,     &notify_,        &ready_pipe_,      &inquiries_,    &main_process_,
                   &log_upkeep_,       &sweeper_,       &unit_processes_,  &starter_,      &pending_starts_,
                   &starter_.parked(), &unit_timers_,   &transient_units_, &background_,   &directory_removal_,
                   &boot_target_,      &parent_notify_, &schedule_,        &reachability_, &hardware_watchdog_,
                   &shutdown_report_,  &shutdown_,      &succession_,      &flush_,        &activation_,
                   &fd_store_,         &memory_events_};
    using Kind = core::Effect::Kind;
    turn_.performs(Kind::check_conditions, {&condition_check_});
    turn_.performs(Kind::open_sockets, {&activation_, &fd_store_, &memory_events_});
    turn_.performs(Kind::close_sockets, {&activation_, &fd_store_, &memory_events_});
    turn_.performs(Kind::arm, {&activation_, &unit_timers_});
    turn_.performs(Kind::disarm, {&activation_, &unit_timers_});
    turn_.performs(Kind::spawn, {&starter_});
    turn_.performs(Kind::await_pid_file, {&main_process_});
    turn_.performs(Kind::signal, {&unit_processes_});
    turn_.performs(Kind::sweep, {&unit_processes_});
    turn_.performs(Kind::conclude, {&exit_action_});
    turn_.performs(Kind::halt, {&shutdown_});
}

Supervisor::~Supervisor() = default;

void Supervisor::open() {
    auto watch = [this](int fd, loop::Loop::Callback readable) {
        watches_.push_back(context_.watch(fd, std::move(readable)));
    };
    if (context_.place.system())
        resources_.share_and_count();
    turn_.open();
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
    log_upkeep_.adopt();
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
        activation_.open_early();
    turn_.take();
    if (!shutdown_.over())
        context_.loop.run();
    const Shutdown::Outcome& outcome = shutdown_.outcome();
    background_.wait(std::min(longest_removal, (outcome.deadline - loop::now()) / 8));
    return outcome;
}

void Supervisor::check_notify_sockets(bool closely) {
    for (const Notify::Trouble& trouble : notify_.remake_sockets(closely))
        reachability_.trouble(trouble.why, trouble.consequence);
}

void Supervisor::end_for_another_root(bool keep) {
    schedule_.keep_quiet(); // nobody is logged in to an initramfs, and the machine goes on
    shutdown_.begin(core::Ending::switch_root, 0, keep);
}

void Supervisor::flush_answers() {
    if (control_)
        control_->flush();
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

void Supervisor::serve(std::unique_ptr<ControlServer> control) {
    control_ = std::move(control);
    flush_.serve(control_.get());
    store_.serve(control_.get());
    turn_.serve(control_.get());
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

} // namespace mi::daemon
