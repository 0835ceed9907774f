// All parts of PID 1 and how they hang together: made here, in this order, each with references to what it needs. They are in groups
// for what they are about; a group refers to those before it, and to what Parts has itself. A new subsystem is a member of its group and a
// word in the list of subsystems (parts.cpp). This is data: what happens is turn.hpp's and the parts' own.
#pragma once

#include "core/engine.hpp"
#include "daemon/context.hpp"
#include "daemon/control/control.hpp"
#include "daemon/effect_queue.hpp"
#include "daemon/health/health.hpp"
#include "daemon/log/log_link.hpp"
#include "daemon/log/log_upkeep.hpp"
#include "daemon/log/output_flush.hpp"
#include "daemon/machine/boot_record.hpp"
#include "daemon/machine/boot_result.hpp"
#include "daemon/machine/buttons.hpp"
#include "daemon/machine/exit_action.hpp"
#include "daemon/machine/hardware_watchdog.hpp"
#include "daemon/machine/machine.hpp"
#include "daemon/machine/reachability.hpp"
#include "daemon/machine/schedule.hpp"
#include "daemon/machine/shutdown.hpp"
#include "daemon/machine/shutdown_report.hpp"
#include "daemon/machine/signals.hpp"
#include "daemon/machine/time_set.hpp"
#include "daemon/notify/parent_notify.hpp"
#include "daemon/notify/ready_pipe.hpp"
#include "daemon/notify/sd_notify.hpp"
#include "daemon/place.hpp"
#include "daemon/process/background_children.hpp"
#include "daemon/process/directory_removal.hpp"
#include "daemon/process/idle_memory.hpp"
#include "daemon/process/main_process.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/process/resources.hpp"
#include "daemon/process/summed_usage.hpp"
#include "daemon/process/sweeper.hpp"
#include "daemon/process/unit_processes.hpp"
#include "daemon/recovery/keeper.hpp"
#include "daemon/recovery/saved_images.hpp"
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
#include "daemon/units/awaits.hpp"
#include "daemon/units/boot_target.hpp"
#include "daemon/units/condition_check.hpp"
#include "daemon/units/conditions.hpp"
#include "daemon/units/phase_report.hpp"
#include "daemon/units/systemd_units.hpp"
#include "daemon/units/transient_units.hpp"
#include "daemon/units/unit_files.hpp"
#include "daemon/wiring.hpp"
#include "loop/loop.hpp"
#include "os/crash/crash.hpp"
#include "os/process/children.hpp"
#include "os/spawn/spawn.hpp"

#include <bitset>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mi::daemon {

// What the start-up has found out.
struct StartupFindings {
    Place place;
    core::ManagerSettings settings;
    core::Graph graph;
    Circumstances circumstances;
    Surroundings surroundings;
    Instant init_started{};
    bool quiet = false;
    int log_level = 6;
    std::vector<entry::SignalRewrite> signal_rewrites;
    bool signal_group = false;     // of the entry
    std::bitset<256> restart_on{}; // of the entry
    Span grace = std::chrono::seconds(5);
    HostWish host;                     // of a virtual machine
    std::string slot;                  // what the kernel line calls this system
    std::string entry;                 // the unit that is the container's main process, if there is one
    os::CrashGuard* guard = nullptr;   // null: a crash is the end
    std::optional<Keeper> keeper;      // what outlives us: in the guard's memory
    state::Snapshot* before = nullptr; // the state of the program before us
    bool renew = false;                // that was an older one: its collector is, too
};

struct Parts;

// Processes and cgroups, whichever unit they are of.
struct ProcessParts {
    ProcessParts(Parts& all, const state::Snapshot* before);

    std::string no_cgroups; // why there are none, if so
    Processes processes;
    SummedUsage summed_usage;
    Resources resources;
    MemoryEvents memory_events;
    IdleMemory idle_memory;
    Sweeper sweeper;
    BackgroundChildren background;
    DirectoryRemoval directory_removal;
};

// The log collector, and what we say ourselves.
struct LogParts {
    LogParts(Parts& all, const StartupFindings& found);

    LogUpkeep upkeep;
    LogLink link;
    Announcer announcer;
    OutputFlush flush;
    PhaseReport phase_report;
};

// What outlives PID 1's program.
struct RecoveryParts {
    RecoveryParts(Parts& all, StartupFindings& found);

    SavedImages images;
    StateStore store;
    Succession succession;
    state::Snapshot* before;
    bool renew;
};

// Which units there are, and which of them the system is for.
struct CatalogParts {
    explicit CatalogParts(Parts& all);

    UnitFiles files;
    SystemdUnits systemd;
    TransientUnits transient;
    BootTarget boot_target;
};

// The machine or container as a whole, from its boot to its end.
struct MachineParts {
    MachineParts(Parts& all, StartupFindings& found);

    BootRecord boot_record;
    ShutdownReport shutdown_report;
    ParentNotify parent_notify;
    Shutdown shutdown;
    BootResult boot_result;
    HardwareWatchdog hardware_watchdog;
    Schedule schedule;
    Buttons buttons;
    TimeSet time_set;
    Reachability reachability;
    Signals signals;
};

// What a unit goes through, from its trigger and its conditions to the end of its processes.
struct RunParts {
    RunParts(Parts& all, StartupFindings& found);

    PathInquiries inquiries;
    UnitTimers timers;
    FdStore fd_store;
    ConditionCheck condition_check;
    Awaits awaits;
    PendingStarts pending_starts;
    Activation activation;
    MainProcess main_process;
    Notify notify;
    ReadyPipe ready_pipe;
    Starter starter;
    Health health;
    UnitProcesses unit_processes;
    ExitAction exit_action;
};

struct Parts {
    Parts(Kernel& kernel, StartupFindings found);
    ~Parts();

    Kernel& kernel;
    Place place;
    core::ManagerSettings settings;
    Surroundings surroundings;
    std::string entry;
    os::CrashGuard* guard;

    core::Engine engine;
    UnitTable units;
    std::vector<Subsystem*> subsystems; // in the order in which they are seen to
    Children children;
    EffectQueue effects;
    CollectedExits exits;
    Wiring wiring{*this};

    ProcessParts process;
    LogParts log;
    Context context;
    RecoveryParts recovery;
    CatalogParts catalog;
    MachineParts machine;
    RunParts run;
    Turn turn;
    std::unique_ptr<ControlServer> control; // null: minictl cannot reach us
    std::vector<std::unique_ptr<loop::Watch>> watches;

    int lock = -1;
    Instant init_started{}, units_loaded{};
};

} // namespace mi::daemon
