#include "daemon/parts.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace mi::daemon {

namespace {

// A machine has one init. Elsewhere several may share a cgroup, and none may meet another's services.
std::unique_ptr<os::Cgroups> open_cgroups(Kernel& kernel, const Place& place, const state::Snapshot* before,
                                          std::string& why_not) {
    if (before != nullptr && !before->manager.cgroup.empty()) {
        const state::ManagerImage& was = before->manager;
        if (auto tree = kernel.go_on_with_cgroups(
                {was.cgroup, was.cgroup_prefix, was.controllers, was.controllers_above, was.in_leaf}))
            return std::move(*tree);
    }
    std::string name = "miniinit";
    if (!place.system()) {
        std::uint32_t chance = 0;
        if (kernel.random({reinterpret_cast<unsigned char*>(&chance), sizeof chance}) != sizeof chance)
            chance = static_cast<std::uint32_t>(kernel.now().since_boot.count());
        name += "-" + std::to_string(chance);
    }
    auto tree = kernel.open_cgroups(name);
    if (tree)
        return std::move(*tree);
    why_not = "there is no cgroup v2 that can be written (" + tree.error().text() + ")";
    return nullptr;
}

std::uint64_t jitter_seed(const Kernel& kernel) {
    return static_cast<std::uint64_t>(kernel.now().since_boot.count()) ^
           static_cast<std::uint64_t>(kernel.wall_now().micros);
}

// What is shown of units, where we say things ourselves. What services say is the output of a container, if there is no other word.
void show_units(LogLink::Settings& link, const core::ManagerSettings& settings, const Place& place) {
    std::optional<std::uint8_t> level = settings.console_level;
    if (!settings.console_level_said && place.mode == Mode::container)
        level = wire::number_of(Priority::info);
    if (!level)
        return;
    link.console = place.system() ? "/dev/console" : std::string(wire::logs::own_output);
    link.console_level = static_cast<Priority>(*level);
    if (place.system())
        return;
    switch (settings.console_format) {
    case core::ConsoleFormat::brief: link.console_format = wire::logs::ConsoleFormat::brief; break;
    case core::ConsoleFormat::iso: link.console_format = wire::logs::ConsoleFormat::iso; break;
    case core::ConsoleFormat::json: link.console_format = wire::logs::ConsoleFormat::json; break;
    }
    const char* const plain = ::getenv("NO_COLOR"); // https://no-color.org
    link.console_colour = plain == nullptr || *plain == '\0';
}

LogLink::Settings log_settings(const core::ManagerSettings& settings, const Place& place, const os::Cgroups* cgroups) {
    LogLink::Settings link{.program = place.program,
                           .directories = place.log_directories,
                           .limits = log_limits(settings, nullptr),
                           .forward = settings.forward,
                           .forward_queue = settings.forward_queue,
                           .cgroups = cgroups != nullptr ? cgroups->state().prefix : std::string(),
                           .total_size = settings.total_size};
    show_units(link, settings, place);
    return link;
}

} // namespace

Parts::Parts(Kernel& the_kernel, Beginning beginning)
    : kernel(the_kernel), place(std::move(beginning.place)), settings(std::move(beginning.settings)),
      surroundings(std::move(beginning.surroundings)), entry(std::move(beginning.entry)), guard(beginning.guard),
      engine(std::move(beginning.graph), {settings.parallel_starts, jitter_seed(kernel)}),
      processes(kernel, open_cgroups(kernel, place, beginning.before, no_cgroups)),
      resources(processes.cgroups(), no_cgroups),
      log_upkeep(
          context, flush, beginning.guard, [this] { store.save(); }, [this] { shutdown.finish(); },
          [this](const std::string& unit, bool of_probe, const std::string& text) {
              health.said(unit, of_probe, text);
          }),
      logs(kernel, log_upkeep, log_settings(settings, place, processes.cgroups())),
      announcer(kernel, logs, place.system(),
                std::min(beginning.log_level, place.system() && !beginning.quiet ? 6 : 4)),
      context{kernel, place, settings, surroundings, engine, units, logs, announcer, children},
      boot_record(context, beginning.slot),
      parent_notify(context, boot_target, !entry.empty(), std::move(beginning.host)),
      shutdown(context, processes, wiring, entry.empty() ? std::nullopt : std::optional(beginning.grace)),
      boot_result(context, boot_target, boot_record, shutdown, beginning.slot),
      reachability(context, shutdown, wiring, guard,
                   beginning.before != nullptr ? beginning.before->manager.premises : -1),
      signals(context, shutdown, wiring,
              {entry, std::move(beginning.signal_rewrites), beginning.signal_group, beginning.restart_on}),
      inquiries(kernel, surroundings.hanging, &children), unit_timers(context), memory_events(context, resources),
      idle_memory(context), condition_check(context, inquiries, std::move(beginning.circumstances)),
      awaits(context, inquiries), pending_starts(context, processes, starter),
      activation(context, condition_check.circumstances(), fd_store, starter),
      main_process(context, processes, inquiries, wiring),
      notify(context, processes, main_process, fd_store, pending_starts), ready_pipe(context, pending_starts),
      flush(context), starter(context, processes, resources, inquiries, effects, entry,
                              {pending_starts, flush, notify, ready_pipe, main_process, activation, memory_events,
                               unit_timers, store, directory_removal}),
      sweeper(context, processes), health(context, processes),
      unit_processes(context, processes, resources, starter,
                     {notify, ready_pipe, main_process, flush, activation, health}),
      phase_report(context, entry), exit_action(context, shutdown, starter, entry),
      unit_files(context, effects, subsystems, entry, [this] { wiring.settings_read(); }),
      transient_units(context, unit_files), store(context, saved_images, std::move(beginning.keeper), beginning.guard,
                                                  effects, exits, processes, beginning.before != nullptr),
      succession(context, processes, store, beginning.guard, wiring),
      turn(context, {effects, exits, subsystems, unit_processes, starter, sweeper, transient_units, flush, store,
                     succession, shutdown, beginning.guard}),
      before(beginning.before), renew(beginning.renew), init_started(beginning.init_started) {
    surroundings.settings = &settings;
    surroundings.refresh();
    context.now = kernel.now();
    units_loaded = context.now;
    units.fit(engine.graph().size());
    register_subsystems();
}

void Parts::register_subsystems() {
    // Changes of units are told in this order: what asks whether the boot target is reached comes after it.
    subsystems = {&phase_report,    &notify,          &ready_pipe,        &inquiries,
                  &main_process,    &log_upkeep,      &sweeper,           &unit_processes,
                  &starter,         &pending_starts,  &starter.parked(),  &unit_timers,
                  &transient_units, &systemd_units,   &background,        &directory_removal,
                  &boot_target,     &boot_result,     &boot_record,       &parent_notify,
                  &schedule,        &reachability,    &hardware_watchdog, &buttons,
                  &time_set,        &shutdown_report, &shutdown,          &succession,
                  &flush,           &activation,      &fd_store,          &memory_events,
                  &health,          &awaits,          &idle_memory};
    using Kind = core::Effect::Kind;
    turn.performs(Kind::check_conditions, {&condition_check});
    turn.performs(Kind::open_sockets, {&activation});
    turn.performs(Kind::close_sockets, {&activation});
    turn.performs(Kind::arm, {&activation, &unit_timers});
    turn.performs(Kind::disarm, {&activation, &unit_timers});
    turn.performs(Kind::spawn, {&starter});
    turn.performs(Kind::await_pid_file, {&main_process});
    turn.performs(Kind::signal, {&unit_processes});
    turn.performs(Kind::sweep, {&unit_processes});
    turn.performs(Kind::conclude, {&exit_action});
    turn.performs(Kind::health, {&health});
    turn.performs(Kind::halt, {&shutdown});
}

Parts::~Parts() = default;

} // namespace mi::daemon
