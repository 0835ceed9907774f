// PID 1 at work: it joins the engine, which decides, to Linux, which does. Each wake-up is a turn: collect what happened,
// tell the engine, do what it says, until nothing is left to do.
#pragma once

#include "core/engine.hpp"
#include "core/first_start.hpp"
#include "daemon/context.hpp"
#include "daemon/control/control.hpp"
#include "daemon/effect_queue.hpp"
#include "daemon/log/log_link.hpp"
#include "daemon/log/log_upkeep.hpp"
#include "daemon/log/output_flush.hpp"
#include "daemon/machine/console.hpp"
#include "daemon/machine/exit_action.hpp"
#include "daemon/machine/hardware_watchdog.hpp"
#include "daemon/machine/machine.hpp"
#include "daemon/machine/reachability.hpp"
#include "daemon/machine/schedule.hpp"
#include "daemon/machine/shutdown.hpp"
#include "daemon/machine/shutdown_report.hpp"
#include "daemon/machine/signals.hpp"
#include "daemon/notify/parent_notify.hpp"
#include "daemon/notify/ready_pipe.hpp"
#include "daemon/notify/sd_notify.hpp"
#include "daemon/place.hpp"
#include "daemon/process/background_children.hpp"
#include "daemon/process/directory_removal.hpp"
#include "daemon/process/main_process.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/process/resources.hpp"
#include "daemon/process/sweeper.hpp"
#include "daemon/process/unit_processes.hpp"
#include "daemon/recovery/keeper.hpp"
#include "daemon/recovery/state_store.hpp"
#include "daemon/recovery/succession.hpp"
#include "daemon/socket/activation.hpp"
#include "daemon/socket/fd_store.hpp"
#include "daemon/start/launch.hpp"
#include "daemon/start/path_inquiries.hpp"
#include "daemon/start/starter.hpp"
#include "daemon/subsystem.hpp"
#include "daemon/timer/unit_timers.hpp"
#include "daemon/turn.hpp"
#include "daemon/units/boot_target.hpp"
#include "daemon/units/condition_check.hpp"
#include "daemon/units/conditions.hpp"
#include "daemon/units/phase_report.hpp"
#include "daemon/units/transient_units.hpp"
#include "daemon/units/unit_files.hpp"
#include "loop/loop.hpp"
#include "os/children.hpp"
#include "os/crash.hpp"
#include "os/spawn/spawn.hpp"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace mi::daemon {

class Supervisor final : public StateStore::Source,
                         public Succession::Host,
                         public Shutdown::Host,
                         public Reachability::Host,
                         public Signals::Host,
                         public MainProcess::Host {
public:
    // What run.cpp has found out before there is a supervisor.
    struct Beginning {
        Place place;
        core::ManagerSettings settings;
        core::Graph graph;
        Circumstances circumstances;
        Surroundings surroundings;
        Instant init_started{};
        bool quiet = false;
        int log_level = 6;
        std::vector<SignalRewrite> rewrites;
        bool signal_group = false; // of the entry
        Span grace = std::chrono::seconds(5);
        std::string entry;               // the unit that is the container's main process, if there is one
        os::CrashGuard* guard = nullptr; // null: a crash is the end
        bool debug_faults = false;
        std::optional<Keeper> keeper;      // what outlives us: in the guard's memory
        state::Snapshot* before = nullptr; // the state of the program before us
        bool renew = false;                // that was an older one: its collector is, too
    };

    Supervisor(loop::Loop& loop, os::Spawner& spawner, os::SignalQueue& signals, Beginning beginning);
    ~Supervisor() override;

    // Opens what can be opened, or takes it over from the program before us; what cannot is said, and lived without.
    void open();
    // resume.cpp: goes on where the program before us was.
    void take_over(state::Snapshot& state);
    // A descriptor that is ours to hold as long as we live.
    void hold_lock(int fd) { lock_ = fd; }
    // Asks for the target (or, where there is none, every enabled unit) and runs until it is all over.
    Shutdown::Outcome run(const std::vector<std::string>& targets);

    // --- for the manager of control calls ---
    void tell(const core::Event& event);           // applied now, performed in this turn
    void take_barrier() { flush_.take_barrier(); } // before anything is answered in a turn
    void set_observer(Observer* observer);
    // In another root: the units are read, for what was carried over; then the boot begins.
    void settle_in();

    [[nodiscard]] const core::Engine& engine() const { return engine_; }
    [[nodiscard]] const Place& place() const { return place_; }
    [[nodiscard]] const UnitRun& live(core::UnitId unit) const { return units_[unit]; }
    [[nodiscard]] bool changed_on_disk(core::UnitId unit) const;
    [[nodiscard]] const BootTarget& boot_target() const { return boot_target_; }
    [[nodiscard]] BootTarget& boot_target() { return boot_target_; }
    [[nodiscard]] Instant init_started() const { return init_started_; }
    [[nodiscard]] Instant units_loaded() const { return units_loaded_; }
    [[nodiscard]] LogLink& logs() { return logs_; }
    [[nodiscard]] UnitFiles& unit_files() { return unit_files_; }
    [[nodiscard]] const UnitFiles& unit_files() const { return unit_files_; }
    [[nodiscard]] TransientUnits& transient_units() { return transient_units_; }
    [[nodiscard]] Succession& succession() { return succession_; }
    [[nodiscard]] const Activation& activation() const { return activation_; }
    [[nodiscard]] UnitProcesses& unit_processes() { return unit_processes_; }
    [[nodiscard]] const Processes& processes() const { return processes_; }
    [[nodiscard]] const Resources& resources() const { return resources_; }
    [[nodiscard]] const Timers& timers() const { return unit_timers_.timers(); }
    [[nodiscard]] ControlServer* control() { return control_.get(); }
    [[nodiscard]] loop::Loop& loop() { return loop_; }
    [[nodiscard]] core::ManagerSettings& settings() { return settings_; }
    [[nodiscard]] os::CrashGuard* guard() const { return guard_; }
    [[nodiscard]] bool debug_faults() const { return debug_faults_; }
    [[nodiscard]] const HardwareWatchdog& hardware_watchdog() const { return hardware_watchdog_; }
    [[nodiscard]] const ShutdownReport& shutdown_report() const { return shutdown_report_; }
    [[nodiscard]] Shutdown& shutdown() { return shutdown_; }
    [[nodiscard]] Schedule& schedule() { return schedule_; }
    [[nodiscard]] const Schedule& schedule() const { return schedule_; }
    [[nodiscard]] Reachability& reachability() { return reachability_; }
    // On the console (or stderr) and in the log.
    void say(Priority priority, const std::string& text) { context_.say(priority, text); }
    void serve(std::unique_ptr<ControlServer> control);

private:
    // supervisor.cpp: the turn
    void reap() override { turn_.reap(); }
    void collect() override { reap(); }
    void hear(core::UnitId unit) override { notify_.hear_all(unit); }

    // saved_images.cpp
    [[nodiscard]] state::UnitImage image_of_unit(core::UnitId id) const override;
    [[nodiscard]] bool is_blank(core::UnitId id) const override;
    [[nodiscard]] state::ProcessImage image_of_process(pid_t pid) const override;
    [[nodiscard]] state::ManagerImage image_of_manager() const override;
    [[nodiscard]] state::ClientImage image_of_client(int fd, bool bytes) const override;
    [[nodiscard]] state::SpawnImage image_of_spawn(core::UnitId unit, core::Role role, const os::Start& start,
                                                   const Launch& launch) const override;

    void end_for_another_root(bool keep) override;
    void flush_answers() override;
    void settings_read();

    // resume.cpp
    void take_over_manager(const state::ManagerImage& image);
    void take_over_unit(core::UnitId id, state::UnitImage& image);
    void take_over_effects(const state::Snapshot& state, const std::function<bool(core::UnitId)>& known);

    // actions.cpp: what effects do

    [[nodiscard]] pid_t main_on_its_way(core::UnitId unit) const override;
    void reload() override;
    void shutdown_begins(std::string_view what) override;
    void shutdown_is_over() override;

    // listening.cpp: who speaks to us

    void check_notify_sockets(bool closely) override;

    loop::Loop& loop_;
    os::Spawner& spawner_;
    Place place_;
    core::ManagerSettings settings_;
    Surroundings surroundings_;
    std::string entry_;
    os::CrashGuard* guard_;
    bool debug_faults_;

    core::Engine engine_;
    UnitTable units_;
    std::vector<Subsystem*> subsystems_; // in the order in which they are seen to
    Children children_;
    std::string no_cgroups_; // why there are none, if so
    Processes processes_;
    Resources resources_;
    LogUpkeep log_upkeep_;
    LogLink logs_;
    Announcer announcer_;
    Context context_;
    BackgroundChildren background_{children_};
    DirectoryRemoval directory_removal_{context_, background_};
    BootTarget boot_target_{context_};
    HardwareWatchdog hardware_watchdog_{context_, boot_target_};
    ShutdownReport shutdown_report_{context_, boot_target_, background_};
    ParentNotify parent_notify_;
    Shutdown shutdown_;
    Schedule schedule_{context_, background_, shutdown_};
    Reachability reachability_;
    Signals signals_;
    PathInquiries inquiries_;
    UnitTimers unit_timers_;
    FdStore fd_store_{units_, children_, [this](core::UnitId unit) { engine_.mark(unit); }};
    MemoryEvents memory_events_;
    ConditionCheck condition_check_;
    PendingStarts pending_starts_;
    Activation activation_;
    MainProcess main_process_;
    Notify notify_;
    ReadyPipe ready_pipe_;
    EffectQueue effects_;
    CollectedExits exits_;
    OutputFlush flush_;
    Starter starter_;
    Sweeper sweeper_;
    UnitProcesses unit_processes_;
    PhaseReport phase_report_;
    ExitAction exit_action_;
    UnitFiles unit_files_;
    TransientUnits transient_units_;
    StateStore store_;
    Succession succession_;
    Turn turn_;
    std::unique_ptr<ControlServer> control_;
    std::vector<std::unique_ptr<loop::Watch>> watches_;

    state::Snapshot* before_;
    bool renew_;
    int lock_ = -1;
    Instant init_started_{}, units_loaded_{};
};

} // namespace mi::daemon
