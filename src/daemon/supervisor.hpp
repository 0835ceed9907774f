// PID 1 at work: it joins the engine, which decides, to Linux, which does. Each wake-up is a turn: collect what happened,
// tell the engine, do what it says, until nothing is left to do.
#pragma once

#include "core/engine.hpp"
#include "core/first_start.hpp"
#include "daemon/context.hpp"
#include "daemon/control/control.hpp"
#include "daemon/log/log_link.hpp"
#include "daemon/machine/boot_attempts.hpp"
#include "daemon/machine/console.hpp"
#include "daemon/machine/machine.hpp"
#include "daemon/machine/scheduled_end.hpp"
#include "daemon/notify/ready_pipe.hpp"
#include "daemon/notify/sd_notify.hpp"
#include "daemon/place.hpp"
#include "daemon/process/belongings.hpp"
#include "daemon/process/main_process.hpp"
#include "daemon/process/memory_events.hpp"
#include "daemon/process/processes.hpp"
#include "daemon/process/resources.hpp"
#include "daemon/recovery/keeper.hpp"
#include "daemon/socket/activation.hpp"
#include "daemon/socket/fd_store.hpp"
#include "daemon/start/launch.hpp"
#include "daemon/start/path_inquiries.hpp"
#include "daemon/subsystem.hpp"
#include "daemon/timer/timers.hpp"
#include "daemon/units/conditions.hpp"
#include "loop/loop.hpp"
#include "os/alarm.hpp"
#include "os/children.hpp"
#include "os/crash.hpp"
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
                         public Activation::Host,
                         public Timers::Listener,
                         public MainProcess::Host,
                         public Notify::Host {
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
    void tell(const core::Event& event); // applied now, performed in this turn
    void take_barrier();                 // before anything is answered in a turn
    void set_observer(Observer* observer);
    // `keep`, of a switch of the root: units that say so go on.
    void begin_ending(core::Ending how, int code, bool keep = false);
    // An end at a set time (one that has passed is now), instead of the one that was scheduled, which is given back.
    std::optional<ScheduledEnd> schedule(ScheduledEnd end);
    std::optional<ScheduledEnd> cancel_scheduled(std::string who, const std::string& message, bool no_wall);
    // switch_root.cpp: everything is stopped that does not say otherwise, and then run.cpp has us enter_new_root(). Gives why
    // not, in words; when it begins, the observer hears.
    [[nodiscard]] std::string switch_root(NewRoot to);
    [[noreturn]] void enter_new_root();
    // In there: the units are read, for what was carried over; then the boot begins.
    void settle_in();
    // One that was scheduled before we were executed anew.
    void resume_schedule(ScheduledEnd end);
    [[nodiscard]] const std::optional<ScheduledEnd>& scheduled() const { return scheduled_; }
    [[nodiscard]] Span time_to(const ScheduledEnd& end) const;
    // Reads the units again. What is left out because of faults is in `problems`.
    struct Reread {
        std::vector<std::string> added, changed, removed, problems;
    };
    Reread reread();
    // The id of a unit by name. One that is not known yet is read from its file, or made from its template, if there is that.
    core::UnitId find_or_make(const std::string& name);
    // How many instances there are that do nothing.
    [[nodiscard]] std::size_t idle_instances() const;
    // A unit of `text`, which is there only as long as it runs; the words say why there is none.
    [[nodiscard]] std::expected<core::UnitId, std::string> make_transient(const std::string& name,
                                                                          const std::string& text);
    [[nodiscard]] bool is_transient(const core::Unit& unit) const;
    Result<> signal_unit(core::UnitId unit, int number, bool all);
    Result<> freeze_unit(core::UnitId unit, bool frozen);
    void isolate(const std::string& target);
    // The boot begins: to `target`, or, where too many boots in a row did not get there, to rescue. `counts`: this is such
    // a boot, for nobody asked for another target.
    void boot(const std::string& target, bool counts);
    // What an administrator should know of this boot.
    [[nodiscard]] const std::string& boot_note() const { return boot_note_; }
    // Executes the init anew, if that can go on with our state. Gives why not, in words; what shows only later, the observer
    // hears.
    [[nodiscard]] std::string reexec();

    [[nodiscard]] const core::Engine& engine() const { return engine_; }
    [[nodiscard]] const Place& place() const { return place_; }
    [[nodiscard]] const UnitRun& live(core::UnitId unit) const { return units_[unit]; }
    [[nodiscard]] bool changed_on_disk(core::UnitId unit) const;
    [[nodiscard]] const std::string& target() const { return target_; }
    [[nodiscard]] Instant init_started() const { return init_started_; }
    [[nodiscard]] Instant units_loaded() const { return units_loaded_; }
    [[nodiscard]] Instant target_reached() const { return target_reached_; }
    [[nodiscard]] LogLink& logs() { return logs_; }
    [[nodiscard]] const Processes& processes() const { return processes_; }
    [[nodiscard]] const Resources& resources() const { return resources_; }
    [[nodiscard]] const Timers& timers() const { return timers_; }
    [[nodiscard]] ControlServer* control() { return control_.get(); }
    [[nodiscard]] loop::Loop& loop() { return loop_; }
    [[nodiscard]] core::ManagerSettings& settings() { return settings_; }
    [[nodiscard]] const Activation& activation() const { return activation_; }
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
    void check_conditions(core::UnitId unit);
    [[nodiscard]] Instant patience_for(const core::Record& record) const;
    void perform(const core::Effect& effect);
    void reap();
    void collect() override { reap(); }
    void hear(core::UnitId unit) override { notify_.hear_all(unit); }
    void exited(const os::Exit& exit);
    void flush_output();
    void set_timer();
    void due();
    void hear_out(core::UnitId unit);

    // remember.cpp: what outlives us
    void remember();
    void remember_all(bool bytes);
    void forget_moved();
    void remember_exits();
    void remember_spawn(core::UnitId unit, core::Role role, const os::Start& start, const Launch& launch);
    [[nodiscard]] core::Effect next_effect();
    void follow_spawn();
    void put_effects(std::string& frame);
    void put_client(std::string& frame, int fd, bool bytes) const;
    [[nodiscard]] state::UnitImage image_of_unit(core::UnitId id) const;
    [[nodiscard]] bool is_blank(core::UnitId id) const;
    [[nodiscard]] state::ProcessImage image_of_process(pid_t pid) const;
    [[nodiscard]] state::ManagerImage image_of_manager() const;

    // switch_root.cpp
    [[nodiscard]] std::vector<std::string> names_kept() const;
    [[nodiscard]] std::string ask_new_init();
    void nothing_kept(const std::string& why);
    void begin_switch_root(NewRoot to, bool keep);

    // reexec.cpp
    [[nodiscard]] std::string check_program(const std::string& file, const std::string& root, std::string_view option);
    void check_failed(const std::string& why);
    [[nodiscard]] bool checked(const os::Exit& exit);
    void check_took_too_long();
    void not_reexecuted(const std::string& why);
    void give_way();

    // resume.cpp
    void take_over_manager(const state::ManagerImage& image);
    void take_over_unit(core::UnitId id, state::UnitImage& image);
    void take_over_effects(const state::Snapshot& state, const std::function<bool(core::UnitId)>& known);

    // starts.cpp: starts that are on their way
    void await_start(pid_t pid, const core::Effect& effect, os::Start start);
    void look_at_start(pid_t pid);
    void look_at_starts();
    [[nodiscard]] Instant next_look_at_starts() const;
    void conclude_start(pid_t pid);
    void became_its_program(core::UnitId unit, core::Role role, pid_t pid);
    void conclude_starts_of(core::UnitId unit) override;
    void give_up_starts_of(core::UnitId unit);
    [[nodiscard]] bool ended_on_its_way(pid_t pid);
    void start_failed(const core::Effect& effect, std::string why, int code);
    [[nodiscard]] std::pair<int, std::uint64_t> report_of(pid_t pid) const;
    bool resume_start(pid_t pid, const core::Effect& effect, int report);
    [[nodiscard]] pid_t pid_on_its_way(core::UnitId unit, core::Role role) const; // 0: none

    // parked_starts.cpp: what a start has to know of files
    using FoundFiles = std::expected<StartFiles, std::string>;
    [[nodiscard]] std::optional<FoundFiles> files_for(const core::Effect& effect);
    void ask_for_files(const core::Effect& effect, const StartFiles* found);
    void files_answered(const std::string& unit, core::Role role, std::uint8_t index, const StartFiles* found,
                        const PathInquiries::Answer& answers);
    bool drop_unwanted_starts();

    // actions.cpp: what effects do
    void spawn(const core::Effect& effect);
    [[nodiscard]] std::expected<os::Start, os::SpawnFault> make_process(core::UnitId id, core::Role role,
                                                                        const core::Unit& unit, Launch& launch);
    [[nodiscard]] bool postpone(const core::Effect& effect, const core::Unit& unit, const os::SpawnFault& why);
    void take_up_postponed();
    void born(const core::Effect& effect, const core::Unit& unit, pid_t pid, Launch& launch);
    void thaw(core::UnitId unit);
    void changed(const core::Effect& effect);
    void released(core::UnitId unit);
    [[nodiscard]] std::optional<std::string> lend_network(const core::Unit& unit, UnitRun& live, os::Plan& plan);
    void removing(const core::Unit& unit, Belongings::Removing child);
    void come_to_rest(core::UnitId unit);
    void removed(pid_t child);
    void boot_target_failed(const std::string& why);
    void go_to(const std::string& target);
    void go_instead(const std::string& why);
    void too_many_boots();
    void end_when_all_failed();
    [[nodiscard]] const core::Command& command_of(const core::Unit& unit, core::Role role, std::size_t index) const;
    [[nodiscard]] std::string new_invocation();

    [[nodiscard]] Processes::Known attach_output(pid_t pid, Processes::Known process, const core::Unit& unit,
                                                 Launch& launch);

    // connection_start.cpp
    Connections::Serving serve(core::UnitId unit, const os::Connection& connection) override;

    void units_gone(const std::vector<core::UnitId>& gone);
    void units_reread();

    void add_unit(core::Unit unit);

    // transient.cpp
    [[nodiscard]] std::string transient_file(const std::string& name) const;
    void note_transient(core::UnitId unit);
    bool forget_transients(); // true: the engine was told something

    // listening.cpp: who speaks to us
    void signals_pending();
    void signal_arrived(const signalfd_siginfo& info);
    void forward(int number);

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
    int entry_failure_ = 1; // exit code where it cannot be started

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
    Timers timers_;
    FdStore fd_store_{units_, children_, [this](core::UnitId unit) { engine_.mark(unit); }};
    MemoryEvents memory_events_;
    Activation activation_;
    MainProcess main_process_;
    Notify notify_;
    ReadyPipe ready_pipe_;
    os::Premises premises_;
    std::optional<os::FileIdentity> control_at_; // what was there when we made it
    Instant premises_again_ = never;             // when what could not be made is tried again
    std::optional<os::FileIdentity> syslog_at_;  // the socket of syslog(3) that is ours
    std::string syslog_told_;                    // why it is not
    bool kernel_log_told_ = false;
    std::string premises_told_; // and what was said of it
    os::Upward upward_;
    bool told_ready_ = false;
    std::unique_ptr<ControlServer> control_;
    std::vector<std::unique_ptr<loop::Watch>> watches_;
    std::vector<Subsystem*> subsystems_; // in the order in which they are seen to

    std::optional<Keeper> keeper_;
    state::Snapshot* before_;
    bool renew_;
    core::Engine::Changes changes_;
    core::Engine::Halt halt_on_record_ = core::Engine::Halt::no;
    bool spawn_on_record_ = false;  // a process, that nothing else there tells of
    std::size_t units_in_base_ = 0; // on record as a whole: those that were not as just read
    bool said_not_kept_ = false;
    std::size_t effects_on_record_ = 0; // of those in effects_, the first so many
    std::uint32_t effects_done_ = 0;    // of those on record, since
    std::size_t exit_at_ = 0;           // the one of exits_ that is being seen to
    std::uint32_t exits_done_ = 0;      // of those on record
    int lock_ = -1;
    pid_t checker_ = 0; // finds out whether the next program can read our state
    Fd next_program_;
    Instant check_until_ = never;
    bool succession_ = false; // it can

    // A process that has not become its program yet.
    struct OnItsWay {
        core::Role role = core::Role::none;
        std::uint8_t index = 0; // of a command
        os::Start start;
        std::unique_ptr<loop::Watch> watch; // none: it is looked at from time to time
        Instant look_at = never;
        Span look_in{0};
        std::string given_up; // where it stood when it was ended
    };
    std::unordered_map<pid_t, OnItsWay> on_their_way_;
    std::deque<core::Effect> effects_;
    std::vector<core::Effect> postponed_; // starts, until a process can be had
    Instant spawn_again_ = never;
    struct Parked { // a start, until what it has to know of files is known
        core::Effect effect;
        std::uint64_t digest = 0; // of the unit that it was asked for
        std::optional<FoundFiles> files{};
        bool waits = false; // longer than the call that began it
    };
    [[nodiscard]] std::vector<Parked>::iterator parked(core::UnitId unit, core::Role role, std::uint8_t index);
    std::vector<Parked> parked_;
    std::vector<os::Exit> exits_;
    std::vector<std::string> ended_transients_; // in this turn, perhaps
    std::vector<StreamId> to_flush_;
    struct Held {
        ControlServer::Barrier barrier;
        Instant until;
    };
    std::deque<Held> held_;
    std::optional<ControlServer::Barrier> barrier_; // taken in this turn
    Instant sweep_again_ = never;
    Instant sweep_not_before_{};
    std::array<unsigned char, 4096> chance_{};
    std::size_t chance_left_ = 0;
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
    NewRoot new_root_;
    bool carried_ = false;     // the next program begins in another root
    bool people_know_ = false; // that the end has begun
    bool more_to_reap_ = false;
    bool over_ = false;
};

} // namespace mi::daemon
