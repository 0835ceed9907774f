// Makes the processes of units: the effect `spawn`, and a process for each connection of a socket that accepts. What a process is
// given is decided by launch.hpp, how it is made by os/spawn; here is what surrounds it: the files it needs are looked up first, its
// run gets an id, a cgroup and a network, and what became of it is told to the engine.
#pragma once

#include "daemon/context.hpp"
#include "daemon/effect_queue.hpp"
#include "daemon/log/output_flush.hpp"
#include "daemon/notify/ready_pipe.hpp"
#include "daemon/notify/sd_notify.hpp"
#include "daemon/process/directory_removal.hpp"
#include "daemon/process/main_process.hpp"
#include "daemon/process/memory_events.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/process/resources.hpp"
#include "daemon/recovery/state_store.hpp"
#include "daemon/socket/activation.hpp"
#include "daemon/start/invocation_ids.hpp"
#include "daemon/start/parked_starts.hpp"
#include "daemon/start/pending_starts.hpp"
#include "daemon/subsystem.hpp"
#include "daemon/timer/unit_timers.hpp"
#include "os/spawn/spawn.hpp"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace mi::daemon {

class Starter final : public Subsystem, public PendingStarts::Listener, public Activation::Host {
public:
    // What has its part in a start.
    struct Services {
        PendingStarts& pending;
        OutputFlush& output_flush;
        Notify& notify;
        ReadyPipe& ready_pipe;
        MainProcess& main_process;
        Activation& activation;
        MemoryEvents& memory_events;
        UnitTimers& timers;
        StateStore& store;
        const DirectoryRemoval& removal;
    };
    Starter(Context& context, Processes& processes, Resources& resources, PathInquiries& inquiries,
            EffectQueue& effects, const std::string& entry, const Services& services);

    [[nodiscard]] PendingStarts& pending() { return services_.pending; }
    [[nodiscard]] const PendingStarts& pending() const { return services_.pending; }
    [[nodiscard]] ParkedStarts& parked() { return parked_; }

    void spawn(const core::Effect& effect);
    void perform(const core::Effect& effect) override { spawn(effect); }
    std::expected<pid_t, NotServed> serve(core::UnitId unit, Handed handed) override;
    // What goes with a process that is there, whether it becomes its program or not.
    void born(const core::Effect& effect, pid_t pid, Launch& launch);
    // The same for a process of a connection.
    void connection_born(core::UnitId unit, pid_t pid, Launch& launch);
    // A frozen unit gets to run again.
    void thaw(core::UnitId unit);
    // The exit code for a container whose main process could not be started: 125, 126 or 127.
    [[nodiscard]] int entry_failure() const { return entry_failure_; }

    // Starts that wait for a process to be had are tried again, at the beginning of a turn.
    void take_up_postponed();
    // The engine hears of starts that wait and are not wanted any more. True: there was one.
    bool drop_unwanted();
    [[nodiscard]] Instant next_deadline() const override { return spawn_again_; }
    void unit_gone(core::UnitId unit) override;
    void units_reread() override;
    void save(state::ManagerImage& image) const override;
    void restore(const state::ManagerImage& image) override;
    void save_unit(core::UnitId unit, state::UnitImage& image) const override;
    void restore_unit(core::UnitId unit, state::UnitImage& image) override;
    void became_its_program(core::UnitId unit, core::Role role, pid_t pid) override;

private:
    void failed_on_its_way(const core::Effect& effect, pid_t pid, os::SpawnFault why) override;
    void given_up_on_its_way(core::UnitId unit, core::Role role, pid_t pid, const std::string& where) override;

    [[nodiscard]] std::expected<Launch, NoStart> launch_for(const core::Effect& effect, const StartFiles& files);
    [[nodiscard]] std::expected<os::Start, os::SpawnFault> make_process(core::UnitId id, core::Role role,
                                                                        Launch& launch);
    [[nodiscard]] std::expected<os::Start, os::SpawnFault> make_entry(core::UnitId id, Launch& launch);
    [[nodiscard]] std::expected<bool, std::string> lend_network(core::UnitId id, Launch& launch);
    [[nodiscard]] bool go_without(const core::Effect& effect, const os::SpawnFault& why);
    void note_lacks(core::UnitId id, Launch& launch);
    [[nodiscard]] bool start_later(const core::Effect& effect, Launch& launch);
    void start_again(const core::Effect& effect, Instant when);
    [[nodiscard]] Processes::Known attach_output(pid_t pid, Processes::Known process, Launch& launch);
    [[nodiscard]] bool postpone(const core::Effect& effect, const os::SpawnFault& why);
    void not_wanted(const core::Effect& effect);
    void failed(const core::Effect& effect, NoStart why, int code);
    void connection_failed(core::UnitId unit, pid_t pid, const std::string& why);

    Context& context_;
    Processes& processes_;
    Resources& resources_;
    EffectQueue& effects_;
    const std::string& entry_;
    Services services_;
    ParkedStarts parked_;
    InvocationIds invocation_ids_;
    std::vector<core::Effect> postponed_; // starts, until a process can be had
    Instant spawn_again_ = never;
    std::uint64_t removals_seen_ = 0; // of DirectoryRemoval::ended(), when something was postponed last
    int entry_failure_ = 1;
};

} // namespace mi::daemon
