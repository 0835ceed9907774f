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

// Changes of units are told in this order: what asks whether the boot target is reached comes after it.
std::vector<Subsystem*> in_order(Parts& parts) {
    ProcessParts& process = parts.process;
    LogParts& log = parts.log;
    CatalogParts& catalog = parts.catalog;
    MachineParts& machine = parts.machine;
    RunParts& run = parts.run;
    return {&log.phase_report,
            &run.notify,
            &run.ready_pipe,
            &run.inquiries,
            &run.main_process,
            &log.upkeep,
            &process.sweeper,
            &run.unit_processes,
            &run.starter,
            &run.pending_starts,
            &run.starter.parked(),
            &run.timers,
            &catalog.transient,
            &catalog.systemd,
            &process.background,
            &process.directory_removal,
            &catalog.boot_target,
            &machine.boot_result,
            &machine.boot_record,
            &machine.parent_notify,
            &machine.schedule,
            &machine.reachability,
            &machine.hardware_watchdog,
            &machine.buttons,
            &machine.time_set,
            &machine.shutdown_report,
            &machine.shutdown,
            &parts.recovery.succession,
            &log.flush,
            &run.activation,
            &run.fd_store,
            &process.memory_events,
            &run.health,
            &run.awaits,
            &process.idle_memory};
}

void register_effects(Turn& turn, RunParts& run, Shutdown& shutdown) {
    using Kind = core::Effect::Kind;
    turn.performs(Kind::check_conditions, {&run.condition_check});
    turn.performs(Kind::open_sockets, {&run.activation});
    turn.performs(Kind::close_sockets, {&run.activation});
    turn.performs(Kind::arm, {&run.activation, &run.timers});
    turn.performs(Kind::disarm, {&run.activation, &run.timers});
    turn.performs(Kind::spawn, {&run.starter});
    turn.performs(Kind::await_pid_file, {&run.main_process});
    turn.performs(Kind::signal, {&run.unit_processes});
    turn.performs(Kind::sweep, {&run.unit_processes});
    turn.performs(Kind::conclude, {&run.exit_action});
    turn.performs(Kind::health, {&run.health});
    turn.performs(Kind::halt, {&shutdown});
}

} // namespace

ProcessParts::ProcessParts(Parts& all, const state::Snapshot* before)
    : processes(all.kernel, open_cgroups(all.kernel, all.place, before, no_cgroups)),
      summed_usage(all.kernel, processes), resources(processes.cgroups(), no_cgroups),
      memory_events(all.context, resources), idle_memory(all.context), sweeper(all.context, processes),
      background(all.kernel, all.children), directory_removal(all.context, background) {}

LogParts::LogParts(Parts& all, const StartupFindings& found)
    : upkeep(
          all.context, flush, all.guard, [&all] { all.recovery.store.save(); },
          [&all] { all.machine.shutdown.finish(); },
          [&all](const std::string& unit, bool of_probe, const std::string& text) {
              all.run.health.said(unit, of_probe, text);
          }),
      link(all.kernel, upkeep, log_settings(all.settings, all.place, all.process.processes.cgroups())),
      announcer(all.kernel, link, all.place.system(),
                std::min(found.log_level, all.place.system() && !found.quiet ? 6 : 4)),
      flush(all.context), phase_report(all.context, all.entry) {}

RecoveryParts::RecoveryParts(Parts& all, StartupFindings& found)
    : images(all), store(all.context, images, std::move(found.keeper), all.guard, all.effects, all.exits,
                         all.process.processes, found.before != nullptr),
      succession(all.context, all.process.processes, store, all.guard, all.wiring), before(found.before),
      renew(found.renew) {}

CatalogParts::CatalogParts(Parts& all)
    : files(all.context, all.effects, all.subsystems, all.entry, [&all] { all.wiring.settings_read(); }),
      systemd(all.context), transient(all.context, files), boot_target(all.context) {}

MachineParts::MachineParts(Parts& all, StartupFindings& found)
    : boot_record(all.context, found.slot),
      shutdown_report(all.context, all.catalog.boot_target, all.process.background),
      parent_notify(all.context, all.catalog.boot_target, !all.entry.empty(), std::move(found.host)),
      shutdown(all.context, all.process.processes, all.wiring,
               all.entry.empty() ? std::nullopt : std::optional(found.grace)),
      boot_result(all.context, all.catalog.boot_target, boot_record, shutdown, found.slot),
      hardware_watchdog(all.context, all.catalog.boot_target, boot_result),
      schedule(all.context, all.process.background, shutdown), buttons(all.context, shutdown), time_set(all.context),
      reachability(all.context, shutdown, all.wiring, all.guard,
                   found.before != nullptr ? found.before->manager.premises : -1),
      signals(all.context, shutdown, all.wiring,
              {all.entry, std::move(found.signal_rewrites), found.signal_group, found.restart_on}) {}

RunParts::RunParts(Parts& all, StartupFindings& found)
    : inquiries(all.kernel, all.surroundings.hanging, &all.children), timers(all.context),
      fd_store(all.units, all.children, [&all](core::UnitId unit) { all.engine.mark(unit); }),
      condition_check(all.context, inquiries, std::move(found.circumstances)), awaits(all.context, inquiries),
      pending_starts(all.context, all.process.processes, starter),
      activation(all.context, condition_check.circumstances(), fd_store, starter),
      main_process(all.context, all.process.processes, inquiries, all.wiring),
      notify(all.context, all.process.processes, main_process, fd_store, pending_starts),
      ready_pipe(all.context, pending_starts),
      starter(all.context, all.process.processes, all.process.resources, inquiries, all.effects, all.entry,
              {pending_starts, all.log.flush, notify, ready_pipe, main_process, activation, all.process.memory_events,
               timers, all.recovery.store, all.process.directory_removal}),
      health(all.context, all.process.processes),
      unit_processes(all.context, all.process.processes, all.process.resources, starter,
                     {notify, ready_pipe, main_process, all.log.flush, activation, health}),
      exit_action(all.context, all.machine.shutdown, starter, all.entry) {}

Parts::Parts(Kernel& the_kernel, StartupFindings found)
    : kernel(the_kernel), place(std::move(found.place)), settings(std::move(found.settings)),
      surroundings(std::move(found.surroundings)), entry(std::move(found.entry)), guard(found.guard),
      engine(std::move(found.graph), {settings.parallel_starts, jitter_seed(kernel)}), process(*this, found.before),
      log(*this, found),
      context{kernel, place, settings, surroundings, engine, units, log.link, log.announcer, children},
      recovery(*this, found), catalog(*this), machine(*this, found), run(*this, found),
      turn(context, {effects, exits, subsystems, run.unit_processes, run.starter, process.sweeper, catalog.transient,
                     log.flush, recovery.store, recovery.succession, machine.shutdown, guard}),
      init_started(found.init_started) {
    surroundings.settings = &settings;
    surroundings.refresh();
    context.now = kernel.now();
    units_loaded = context.now;
    units.fit(engine.graph().size());
    subsystems = in_order(*this);
    register_effects(turn, run, machine.shutdown);
}

Parts::~Parts() = default;

} // namespace mi::daemon
