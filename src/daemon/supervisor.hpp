// PID 1 at work: it joins the engine, which decides, to Linux, which does. Each wake-up is a turn: collect what happened,
// tell the engine, do what it says, until nothing is left to do.
#pragma once

#include "core/engine.hpp"
#include "core/first_start.hpp"
#include "daemon/context.hpp"
#include "daemon/control/control.hpp"
#include "daemon/effect_queue.hpp"
#include "daemon/log/log_link.hpp"
#include "daemon/log/output_flush.hpp"
#include "daemon/machine/boot_attempts.hpp"
#include "daemon/machine/console.hpp"
#include "daemon/machine/machine.hpp"
#include "daemon/machine/scheduled_end.hpp"
#include "daemon/notify/notify_line.hpp"
#include "daemon/place.hpp"
#include "daemon/process/belongings.hpp"
#include "daemon/process/pid_files.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/process/resources.hpp"
#include "daemon/recovery/keeper.hpp"
#include "daemon/recovery/state_store.hpp"
#include "daemon/recovery/succession.hpp"
#include "daemon/socket/connections.hpp"
#include "daemon/socket/fd_store.hpp"
#include "daemon/socket/sockets.hpp"
#include "daemon/start/launch.hpp"
#include "daemon/start/path_inquiries.hpp"
#include "daemon/start/starter.hpp"
#include "daemon/subsystem.hpp"
#include "daemon/timer/timers.hpp"
#include "daemon/units/conditions.hpp"
#include "daemon/units/transient_units.hpp"
#include "daemon/units/unit_files.hpp"
#include "loop/loop.hpp"
#include "os/alarm.hpp"
#include "os/children.hpp"
#include "os/crash.hpp"
#include "os/notify_socket.hpp"
#include "os/premises.hpp"
#include "os/spawn/spawn.hpp"
#include "os/upward.hpp"
#include "os/watchdog.hpp"

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

// How it ended: what is to become of the machine, and the exit code where it is a container that ends.
struct Outcome {
    core::Ending how = core::Ending::none;
    int code = 0;
    Instant deadline = never;              // of the machine's whole shutdown
    std::vector<std::string> in_the_way{}; // of it so far, a line each
};

class Supervisor final : public LogLink::Listener,
                         public Connections::Host,
                         public Timers::Listener,
                         public Starter::Host,
                         public StateStore::Source,
                         public Succession::Host {
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
    Outcome run(const std::vector<std::string>& targets);

    // --- for the manager of control calls ---
    void tell(const core::Event& event);           // applied now, performed in this turn
    void take_barrier() { flush_.take_barrier(); } // before anything is answered in a turn
    void set_observer(Observer* observer);
    // `keep`, of a switch of the root: units that say so go on.
    void begin_ending(core::Ending how, int code, bool keep = false);
    // An end at a set time (one that has passed is now), instead of the one that was scheduled, which is given back.
    std::optional<ScheduledEnd> schedule(ScheduledEnd end);
    std::optional<ScheduledEnd> cancel_scheduled(std::string who, const std::string& message, bool no_wall);
    // In there: the units are read, for what was carried over; then the boot begins.
    void settle_in();
    // One that was scheduled before we were executed anew.
    void resume_schedule(ScheduledEnd end);
    [[nodiscard]] const std::optional<ScheduledEnd>& scheduled() const { return scheduled_; }
    [[nodiscard]] Span time_to(const ScheduledEnd& end) const;
    Result<> signal_unit(core::UnitId unit, int number, bool all);
    Result<> freeze_unit(core::UnitId unit, bool frozen);
    void isolate(const std::string& target);
    // The boot begins: to `target`, or, where too many boots in a row did not get there, to rescue. `counts`: this is such
    // a boot, for nobody asked for another target.
    void boot(const std::string& target, bool counts);
    // What an administrator should know of this boot.
    [[nodiscard]] const std::string& boot_note() const { return boot_note_; }

    [[nodiscard]] const core::Engine& engine() const { return engine_; }
    [[nodiscard]] const Place& place() const { return place_; }
    [[nodiscard]] const UnitRun& live(core::UnitId unit) const { return units_[unit]; }
    [[nodiscard]] bool changed_on_disk(core::UnitId unit) const;
    [[nodiscard]] const std::string& target() const { return target_; }
    [[nodiscard]] Instant init_started() const { return init_started_; }
    [[nodiscard]] Instant units_loaded() const { return units_loaded_; }
    [[nodiscard]] Instant target_reached() const { return target_reached_; }
    [[nodiscard]] LogLink& logs() { return logs_; }
    [[nodiscard]] UnitFiles& unit_files() { return unit_files_; }
    [[nodiscard]] const UnitFiles& unit_files() const { return unit_files_; }
    [[nodiscard]] TransientUnits& transient_units() { return transient_units_; }
    [[nodiscard]] Succession& succession() { return succession_; }
    [[nodiscard]] const Processes& processes() const { return processes_; }
    [[nodiscard]] const Resources& resources() const { return resources_; }
    [[nodiscard]] const FdStore& fd_store() const { return fd_store_; }
    [[nodiscard]] const Timers& timers() const { return timers_; }
    [[nodiscard]] ControlServer* control() { return control_.get(); }
    [[nodiscard]] loop::Loop& loop() { return loop_; }
    [[nodiscard]] core::ManagerSettings& settings() { return settings_; }
    [[nodiscard]] const Sockets& sockets() const { return sockets_; }
    [[nodiscard]] const Connections& connections() const { return connections_; }
    [[nodiscard]] os::CrashGuard* guard() const { return guard_; }
    [[nodiscard]] bool debug_faults() const { return debug_faults_; }
    [[nodiscard]] const os::Watchdog& watchdog() const { return watchdog_; }
    // For people, and empty where there is nothing to tell.
    [[nodiscard]] std::string watchdog_words() const;
    [[nodiscard]] const std::string& last_shutdown() const { return last_shutdown_; }
    // Looks whether others can still reach us, and sees to it.
    void mind_premises(bool closely);
    // On the console (or stderr) and in the log.
    void say(Priority priority, const std::string& text) { context_.say(priority, text); }
    void serve(std::unique_ptr<ControlServer> control);

private:
    // supervisor.cpp: the turn
    void turn();
    void pump();
    void note_effect(const core::Effect& effect);
    void check_conditions(core::UnitId unit);
    void perform(const core::Effect& effect);
    void reap();
    void exited(const os::Exit& exit);
    void set_timer();
    void due();
    void hear_out(core::UnitId unit);
    void follow_spawn();

    // saved_images.cpp
    [[nodiscard]] std::optional<state::LineImage> image_of_line(core::UnitId id) const;
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
    void take_over_line(core::UnitId id, const state::LineImage& image);
    void take_over_effects(const state::Snapshot& state, const std::function<bool(core::UnitId)>& known);

    // actions.cpp: what effects do
    void changed(const core::Effect& effect);
    void released(core::UnitId unit);
    void removing(const core::Unit& unit, Belongings::Removing child);
    void come_to_rest(core::UnitId unit);
    void removed(pid_t child);
    void boot_target_failed(const std::string& why);
    void go_to(const std::string& target);
    void go_instead(const std::string& why);
    void too_many_boots();
    void end_when_all_failed();

    // activation.cpp: sockets of units, and who connects
    void open_sockets_early();
    void open_sockets(core::UnitId unit);
    std::expected<void, std::string> bring_sockets_up_to_date(core::UnitId unit);
    void close_sockets(const std::string& unit);
    void await_connections(core::UnitId unit);
    [[nodiscard]] std::expected<Handed, std::string> hand_sockets(core::UnitId unit) override;
    [[nodiscard]] std::expected<void, std::string> open_notify_socket(core::UnitId unit) override;
    void watch_ready_pipe(core::UnitId unit) override;
    void process_made(core::UnitId unit, core::Role role, const os::Start& start, const Launch& launch) override;
    void cgroup_in_use() override;
    void main_process_began(core::UnitId unit) override;
    void connection_failed(core::UnitId unit, pid_t pid, const std::string& why) override;
    void connection_ended(core::UnitId unit, pid_t pid, const core::ExitStatus& exit);
    void close_sockets_of_gone();
    void sockets_reread();
    void arrived(const std::string& unit) override;
    Connections::Serving serve(const std::string& unit, const os::Connection& connection) override;
    void connection_trouble(const std::string& unit, const std::string& text) override;

    // main_process.cpp: who a service's main process is
    [[nodiscard]] std::optional<uid_t> pid_file_owner(const core::Unit& unit);
    void await_pid_file(core::UnitId unit);
    void check_pid_files();
    void ask_for_pid_file(core::UnitId unit);
    void consider_pid_file(core::UnitId unit, const Result<pid_t>& named);
    void write_pid_file(core::UnitId id, pid_t pid) override;
    [[nodiscard]] std::string doubt_about(core::UnitId unit, pid_t pid) const;
    bool handed_on(core::UnitId unit, pid_t from);
    void adopt_main(core::UnitId unit, pid_t pid);
    void watch_main(core::UnitId unit, pid_t pid);
    void main_gone(core::UnitId unit, pid_t pid);
    void clear_pid_file(core::UnitId unit);

    // For those that are no subsystems yet.
    struct Others final : Subsystem {
        explicit Others(Supervisor& whole) : supervisor(whole) {}
        void unit_gone(core::UnitId unit) override;
        void units_reread() override;
        Supervisor& supervisor;
    };
    Others others_{*this};

    // listening.cpp: who speaks to us
    void signals_pending();
    void signal_arrived(const signalfd_siginfo& info);
    void forward(int number);
    void watch_ready(core::UnitId unit);
    static constexpr int whole_pipe = 32; // reads
    void ready_pending(core::UnitId unit, int most_reads);
    void memory_events_pending();
    void listen_to_memory();

    // notices.cpp: what services say by sd_notify(3)
    [[nodiscard]] std::expected<void, std::string> open_line(core::UnitId unit);
    [[nodiscard]] Result<> watch_line(core::UnitId unit);
    [[nodiscard]] std::optional<uid_t> user_of(const core::Unit& unit);
    [[nodiscard]] std::optional<uid_t> speaker_of(const core::Unit& unit);
    void close_line(core::UnitId unit);
    void complain(core::UnitId unit, NotifyLine::Complaint what, const std::string& text);
    void hear(core::UnitId unit, std::size_t most);
    void listen_again();
    [[nodiscard]] bool believes(core::UnitId unit, const os::NotifyMessage& message);
    void heard(core::UnitId unit, os::NotifyMessage& message);
    void lift_barriers();
    void name_main(core::UnitId unit, const std::string& text);
    void flushed(std::uint64_t token) override;
    void log_trouble(const std::string& text) override;
    void collector_started() override;
    void time_has_come(core::UnitId unit) override;
    void timer_trouble(const std::string& text) override;

    // premises.cpp: how others reach us
    void premises_trouble(const Fault& why, const std::string& what);
    void mind_control();
    void mind_notify(bool closely);
    void mind_kernel_log();
    void mind_syslog();
    void watch_premises(const std::string& directory);
    [[nodiscard]] std::string syslog_path() const;

    // ending.cpp
    void all_down();
    void report_slow_stops();
    void finish();
    void give_up();
    void hurry();
    [[nodiscard]] Span last_part() const;

    // watch.cpp: the hardware's watchdog, and the report of the last shutdown
    void mind_watchdog();
    void pet_watchdog();
    void look_for_report(bool last_time);

    // scheduling.cpp
    void follow_schedule(bool tell);
    void open_logins();
    void end_has_begun(std::string_view what);
    void tell_people(const std::string& who, const std::string& text);

    // above.cpp: what we tell whoever supervises us
    [[nodiscard]] std::string_view address_above() const;
    void tell_above();

    loop::Loop& loop_;
    os::Spawner& spawner_;
    os::SignalQueue& signals_;
    Place place_;
    core::ManagerSettings settings_;
    Circumstances circumstances_;
    Surroundings surroundings_;
    std::vector<SignalRewrite> rewrites_;
    bool signal_group_;
    Span grace_;
    std::string entry_;
    os::CrashGuard* guard_;
    bool debug_faults_;

    core::Engine engine_;
    UnitTable units_;
    Children children_;
    std::string no_cgroups_; // why there are none, if so
    Processes processes_;
    Resources resources_;
    LogLink logs_;
    Announcer announcer_;
    Context context_;
    PathInquiries inquiries_;
    PidFiles pid_files_;
    Timers timers_;
    FdStore fd_store_;
    std::string notify_directory_; // empty: none could be made
    os::Premises premises_;
    std::optional<os::FileIdentity> control_at_, notify_at_; // what was there when we made it
    Instant premises_again_ = never;                         // when what could not be made is tried again
    std::optional<os::FileIdentity> syslog_at_;              // the socket of syslog(3) that is ours
    std::string syslog_told_;                                // why it is not
    bool kernel_log_told_ = false;
    std::string premises_told_; // and what was said of it
    std::uint64_t lines_made_ = 0;
    std::vector<std::pair<core::UnitId, Fd>> barriers_; // BARRIER=1 of this turn
    Instant listen_again_ = never;                      // to those that have said too much at once
    std::uint64_t hearing_turn_ = 0;                    // in which services were heard last,
    Instant hear_until_{};                              // and until when they are heard at length in it
    os::Upward upward_;
    bool told_ready_ = false;
    Sockets sockets_{surroundings_.hanging};
    Connections connections_;
    EffectQueue effects_;
    OutputFlush flush_;
    Starter starter_;
    UnitFiles unit_files_;
    TransientUnits transient_units_;
    StateStore store_;
    Succession succession_;
    std::unique_ptr<ControlServer> control_;
    std::vector<std::unique_ptr<loop::Watch>> watches_;
    std::vector<Subsystem*> subsystems_; // in the order in which they are seen to

    state::Snapshot* before_;
    bool renew_;
    int lock_ = -1;
    CollectedExits exits_;
    std::unique_ptr<loop::Watch> memory_watch_;
    Instant memory_again_ = never; // when it is listened to again
    Instant sweep_again_ = never;
    Instant sweep_not_before_{};
    unsigned long set_aside_ = 0; // directories, ever
    std::vector<pid_t> removals_; // children that remove what services have left, or write to terminals
    struct Removal {
        std::string unit;
        Fd left; // what its child could not remove
    };
    std::map<pid_t, Removal> removing_;

    std::string target_;
    bool target_said_ = false; // that it is reached
    std::set<std::string> tried_targets_;
    BootAttempts attempts_;
    std::string boot_note_;
    Instant init_started_{}, units_loaded_{}, target_reached_{};
    Outcome outcome_;
    bool all_down_ = false;
    Instant give_up_at_ = never; // shutdown-timeout
    Instant report_at_ = never;  // next progress line of a slow shutdown
    os::Watchdog watchdog_;
    Span watchdog_asked_{0}; // the setting that it was brought to
    Instant pet_at_ = never;
    std::string last_shutdown_; // what it left in the way, in short
    std::deque<Instant> ctrl_alt_del_;
    std::optional<ScheduledEnd> scheduled_;
    Instant schedule_again_ = never; // when it is looked at again
    struct ClockSteps {
        os::WallAlarm alarm;
        std::unique_ptr<loop::Watch> watch;
    };
    std::optional<ClockSteps> clock_steps_;
    bool people_know_ = false; // that the end has begun
    bool more_to_reap_ = false;
    bool over_ = false;
};

} // namespace mi::daemon
