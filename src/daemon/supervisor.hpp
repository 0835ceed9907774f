// PID 1 at work: it joins the engine, which decides, to Linux, which does. Each wake-up is a turn: collect what happened,
// tell the engine, do what it says, until nothing is left to do.
#pragma once

#include "core/engine.hpp"
#include "core/first_start.hpp"
#include "daemon/belongings.hpp"
#include "daemon/boot_attempts.hpp"
#include "daemon/conditions.hpp"
#include "daemon/connections.hpp"
#include "daemon/console.hpp"
#include "daemon/control.hpp"
#include "daemon/fd_store.hpp"
#include "daemon/keeper.hpp"
#include "daemon/launch.hpp"
#include "daemon/log_link.hpp"
#include "daemon/machine.hpp"
#include "daemon/notify_line.hpp"
#include "daemon/path_inquiries.hpp"
#include "daemon/pid_files.hpp"
#include "daemon/place.hpp"
#include "daemon/processes.hpp"
#include "daemon/resources.hpp"
#include "daemon/scheduled_end.hpp"
#include "daemon/sockets.hpp"
#include "daemon/timers.hpp"
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

// Who hears of changes: the manager of control calls.
struct Observer {
    virtual ~Observer() = default;
    virtual void changed(core::UnitId unit, core::Phase from, core::Phase to) = 0;
    virtual void status_changed(core::UnitId unit) = 0;
    virtual void announced(const std::string& text) = 0;
    virtual void not_reexecuted(const std::string& why) = 0;
    // A switch of the root that was asked for begins, or something else does instead.
    virtual void switching_root(bool begins) = 0;
    // For the snapshot: what a call waits for. False: it cannot be waited for by another program.
    [[nodiscard]] virtual bool tell(CallId call, state::ClientImage& image) const = 0;
    virtual void turn_ended() = 0;
};

// What a unit has at this moment besides its record.
struct Live {
    std::string status;       // STATUS= of sd_notify
    std::string trouble;      // ERRNO= and its like, in words
    std::uint64_t digest = 0; // of the unit as it was when it was started
    Instant starting{}, up{}; // of the last start, for the boot times
    core::FirstStart first;   // and of the first one, for the boot chart
    Belongings own;
    Fd ready; // notify-fd: read end
    std::unique_ptr<loop::Watch> ready_watch;
    std::unique_ptr<NotifyLine> line; // sd_notify: where the present run speaks
    pid_t from_pid_file = 0;          // the main process that the PID file named
    Fd main_end;                      // pidfd of a main process that is no child of ours
    std::unique_ptr<loop::Watch> main_watch;
    bool postponed = false; // its start waits for a process to be had, and that was said
    Instant complained{};   // of connections that could not be served
    unsigned unsaid = 0;    // and how often since, in silence
};

class Supervisor final : public LogLink::Listener, public Connections::Host, public Timers::Listener {
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
    void set_observer(Observer* observer) { observer_ = observer; }
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

    [[nodiscard]] const core::Engine& engine() const { return *engine_; }
    [[nodiscard]] const Place& place() const { return place_; }
    [[nodiscard]] const Live& live(core::UnitId unit) const { return live_[unit]; }
    [[nodiscard]] bool changed_on_disk(core::UnitId unit) const;
    [[nodiscard]] const std::string& target() const { return target_; }
    [[nodiscard]] Instant init_started() const { return init_started_; }
    [[nodiscard]] Instant units_loaded() const { return units_loaded_; }
    [[nodiscard]] Instant target_reached() const { return target_reached_; }
    [[nodiscard]] LogLink& logs() { return logs_; }
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
    void say(Priority priority, const std::string& text);
    void serve(std::unique_ptr<ControlServer> control);

private:
    // supervisor.cpp: the turn
    void turn();
    void pump();
    void check_conditions(core::UnitId unit);
    [[nodiscard]] Instant patience_for(const core::Record& record) const;
    void perform(const core::Effect& effect);
    void reap();
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
    [[nodiscard]] std::optional<state::LineImage> image_of_line(core::UnitId id) const;
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
    void take_over_line(core::UnitId id, const state::LineImage& image);
    void take_over_effects(const state::Snapshot& state, const std::function<core::UnitId(std::uint32_t)>& number);

    // starts.cpp: starts that are on their way
    void await_start(pid_t pid, const core::Effect& effect, os::Start start);
    void look_at_start(pid_t pid);
    void look_at_starts();
    [[nodiscard]] Instant next_look_at_starts() const;
    void conclude_start(pid_t pid);
    void became_its_program(core::UnitId unit, core::Role role, pid_t pid);
    void conclude_starts_of(core::UnitId unit);
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
    [[nodiscard]] std::expected<bool, std::string> lend_network(const core::Unit& unit, Live& live, os::Plan& plan);
    [[nodiscard]] bool being_removed(const Launch& launch) const;
    void start_again(const core::Effect& effect, Instant when);
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

    // activation.cpp: sockets of units, and who connects
    void open_sockets_early();
    void open_sockets(core::UnitId unit);
    std::expected<void, std::string> bring_sockets_up_to_date(core::UnitId unit);
    void close_sockets(const std::string& unit);
    void await_connections(core::UnitId unit);
    [[nodiscard]] std::expected<Handed, std::string> hand_sockets(core::UnitId unit);
    void connection_ended(core::UnitId unit, pid_t pid, const core::ExitStatus& exit);
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
    void write_pid_file(const core::Unit& unit, pid_t pid);
    [[nodiscard]] std::string doubt_about(core::UnitId unit, pid_t pid) const;
    bool handed_on(core::UnitId unit, pid_t from);
    void adopt_main(core::UnitId unit, pid_t pid);
    void watch_main(core::UnitId unit, pid_t pid);
    void main_gone(core::UnitId unit, pid_t pid);
    void clear_pid_file(core::UnitId unit);

    // After units were read again, or one is gone: `renumbered` has the new id of each.
    void renumber(const std::vector<core::UnitId>& renumbered);

    void add_unit(core::Unit unit);

    // transient.cpp
    [[nodiscard]] std::string transient_file(const std::string& name) const;
    void note_transient(core::UnitId unit);
    bool forget_transients(); // true: the engine was told something

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
    Console console_;
    bool quiet_;
    int log_level_;
    std::vector<SignalRewrite> rewrites_;
    bool signal_group_;
    Span grace_;
    std::string entry_;
    os::CrashGuard* guard_;
    bool debug_faults_;
    int entry_failure_ = 1; // exit code where it cannot be started

    std::unique_ptr<core::Engine> engine_;
    std::vector<Live> live_;
    std::string no_cgroups_; // why there are none, if so
    Processes processes_;
    Resources resources_;
    LogLink logs_;
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
    std::uint64_t lines_made_ = 0, turn_ = 0;
    std::vector<std::pair<core::UnitId, Fd>> barriers_; // BARRIER=1 of this turn
    Instant listen_again_ = never;                      // to those that have said too much at once
    std::uint64_t hearing_turn_ = 0;                    // in which services were heard last,
    Instant hear_until_{};                              // and until when they are heard at length in it
    os::Upward upward_;
    bool told_ready_ = false;
    Sockets sockets_{surroundings_.hanging};
    Connections connections_;
    std::unique_ptr<ControlServer> control_;
    std::vector<std::unique_ptr<loop::Watch>> watches_;
    Observer* observer_ = nullptr;

    std::optional<Keeper> keeper_;
    state::Snapshot* before_;
    bool renew_;
    core::Engine::Changes changes_;
    core::Engine::Halt halt_on_record_ = core::Engine::Halt::no;
    bool manager_moved_ = true;     // what image_of_manager tells has changed
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
    Instant now_{};
    std::unique_ptr<loop::Watch> memory_watch_;
    Instant memory_again_ = never; // when it is listened to again
    Instant sweep_again_ = never;
    Instant sweep_not_before_{};
    std::array<unsigned char, 4096> chance_{};
    std::size_t chance_left_ = 0;
    unsigned long set_aside_ = 0; // directories, ever
    std::vector<pid_t> removals_; // children that remove what services have left, or write to terminals
    struct Removal {
        std::string unit;
        os::RemovingChild child;
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
