// The content of a unit file: plain data, every value parsed and checked. record.hpp has the present state of a unit;
// the room config reads the files.
//
// A machine may have thousands of units, so parts that few units use are behind a pointer.
#pragma once

#include "base/capabilities.hpp"
#include "base/system_calls.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mi::calendar {
struct Timer; // calendar/timer.hpp
}

namespace mi::core {

// The relation of one unit to another. Reverse keys (`required-by`, `wanted-by`, `before`) are stored as written; the
// graph reverses them.
enum class Relation : std::uint8_t {
    requirement, // requires
    want,        // wants
    milestone,   // milestones
    after,
    before,
    conflict,
    required_by,
    wanted_by,
    on_failure,
    on_success,
    part_of,     // stopped and restarted with the other one, which it need not need
    reload_with, // reloaded with the other one
};

struct Dependency {
    Relation relation;
    std::string unit;
    bool operator==(const Dependency&) const = default;
};

// One line of `[condition]`: it must hold, or the unit is skipped.
struct Condition {
    enum class Kind : std::uint8_t {
        path_exists,
        path_missing,
        path_matches,
        directory_not_empty,
        kernel_command_line,
        container,
        capability,
        first_boot,
        ac_power,
        program,
    };
    Kind kind;
    bool negated = false;
    // A path, a pattern of paths, a word, a capability, or the name of a program; "true" or "false" for boolean kinds.
    std::string argument;
    bool operator==(const Condition&) const = default;
};

// One thing that `[await]` names: the unit starts when it is there.
struct Awaited {
    enum class Kind : std::uint8_t { device, interface, address, mounted, path };
    Kind kind;
    std::string name; // a path; of an interface its name; an address, or "any"
    bool operator==(const Awaited&) const = default;
};

// `[await]`.
struct Await {
    // What follows when something of it goes while the unit is up.
    enum class OnLoss : std::uint8_t { none, stop };
    OnLoss on_loss = OnLoss::none;
    Span timeout{0}; // 0: none
    std::vector<Awaited> things;
};

// A command line, split into words. Never empty if it is present.
using Command = std::vector<std::string>;

// A command around the main one with a '+' before its program is not bound to the user, and to what confines the service.
[[nodiscard]] inline bool is_privileged(const Command& command) {
    return command.front().size() > 1 && command.front().front() == '+';
}
[[nodiscard]] inline std::string_view program_of(const Command& command) {
    return std::string_view(command.front()).substr(is_privileged(command) ? 1 : 0);
}

enum class ServiceType : std::uint8_t { simple, oneshot, forking, notify, notify_fd };
enum class RestartPolicy : std::uint8_t { no, on_failure, on_abnormal, always };
enum class LimitAction : std::uint8_t { fail, retry, reboot, shutdown };
enum class KillMode : std::uint8_t { group, process, mixed };
enum class ExitAction : std::uint8_t { none, shutdown, reboot, poweroff };
// How lines of services are shown in a container's output: `UNIT: TEXT`, with time and priority, or as JSON.
enum class ConsoleFormat : std::uint8_t { brief, iso, json };
// The processes whose sd_notify messages are accepted: none, the main process, all processes that we started for the
// unit, all of its processes.
enum class NotifyAccess : std::uint8_t { none, main, exec, all };
enum class Activation : std::uint8_t { normal, on_demand };
// The fate of the unit at a switch of the root.
enum class SwitchRoot : std::uint8_t { stop, keep };
// What follows where the machine does not come up as it should.
enum class BootFailure : std::uint8_t { rescue, reboot, poweroff };

// The commands around the main one; each list runs in order.
struct Hooks {
    std::vector<Command> pre_start, post_start, stop, post_stop;
    Command reload; // empty: send reload_signal
    bool operator==(const Hooks&) const = default;
};

// An end of a process: an exit code, or the number of a signal.
struct Exit {
    bool signal = false;
    int number = 0;
    bool operator==(const Exit&) const = default;
};

// Ends after which `restart` does not decide: it is not started again, or it is.
struct RestartExceptions {
    std::vector<Exit> prevent, force;
};

// `[service]`.
struct Service {
    ServiceType type = ServiceType::simple;
    RestartPolicy restart = RestartPolicy::on_failure; // the reader sets `no` for a oneshot without the key
    LimitAction restart_limit_action = LimitAction::fail;
    KillMode kill_mode = KillMode::group;
    ExitAction exit_action = ExitAction::none;
    NotifyAccess notify_access = NotifyAccess::none; // as written; see heard_of
    Activation activation = Activation::normal;
    SwitchRoot switch_root = SwitchRoot::stop;
    std::uint32_t restart_limit = 10; // 0: none
    int stop_signal = 15;
    int reload_signal = 1;            // 0: none is sent
    bool reload_signal_said = false;  // false: it is only sent to a process that handles it
    bool non_blocking = false;        // the sockets that it is handed
    bool stops_last = false;          // in a shutdown: once nothing else can be stopped
    std::uint32_t fd_store_max = 128; // most descriptors that it may store with us across restarts
    int ready_fd = 3;                 // notify-fd: the descriptor on which the newline is expected
    Span restart_delay = std::chrono::milliseconds(100);
    Span restart_delay_max = std::chrono::seconds(30);
    Span start_timeout = std::chrono::seconds(90);         // 0: none
    Span stop_timeout = std::chrono::seconds(10);          // 0: none
    Span watchdog{0};                                      // 0: off
    Command command;                                       // a `script` is stored as /bin/sh -eu -c TEXT
    std::vector<Exit> success_exit;                        // empty: only code 0
    std::unique_ptr<RestartExceptions> restart_exceptions; // none: null
    std::unique_ptr<Hooks> hooks;
};

// The value of notify_access in force: as written; otherwise the main process, if the type or the watchdog needs
// messages.
[[nodiscard]] inline NotifyAccess heard_of(const Service& service) {
    bool needed = service.type == ServiceType::notify || service.watchdog > Span{0};
    return service.notify_access == NotifyAccess::none && needed ? NotifyAccess::main : service.notify_access;
}

enum class Input : std::uint8_t { null, tty, socket, file };
enum class Output : std::uint8_t { log, console, null, inherit, socket, file };

struct Limit {
    int resource;       // RLIMIT_*
    std::uint64_t soft; // ~0: unlimited
    std::uint64_t hard;
    bool operator==(const Limit&) const = default;
};

struct EnvironmentFile {
    std::string path;
    bool optional = false; // written with a leading '-'
    bool operator==(const EnvironmentFile&) const = default;
};

// A directory made for the service: `runtime-directory`, `state-directory` and the like.
struct OwnDirectory {
    enum class Kind : std::uint8_t { runtime, state, logs, cache, configuration };
    Kind kind;
    std::string name; // below /run, /var/lib, /var/log, /var/cache or /etc
    bool operator==(const OwnDirectory&) const = default;
};

// A path of `read-only-paths` and similar keys.
struct GuardedPath {
    std::string path;
    bool optional = false; // written with a leading '-': it may be missing
    bool operator==(const GuardedPath&) const = default;
};

enum class ProtectSystem : std::uint8_t { no, yes, full, strict };

// `protect-proc`: what a service sees below /proc of other users' processes. hidepid of proc(5).
enum class ProtectProc : std::uint8_t { none, noaccess, invisible, ptraceable };

// One entry of `bind-paths` or `bind-read-only-paths`: `source` is shown at `path`.
struct BoundPath {
    std::string source, path;
    bool optional = false; // written with a leading '-': the source may be missing
    bool operator==(const BoundPath&) const = default;
};

// `scheduling`. The numbers are the kernel's own, SCHED_*.
struct Scheduling {
    int policy = 0;
    int priority = 0; // of fifo and rr
    bool operator==(const Scheduling&) const = default;
};

// What a service is kept away from.
struct Confinement {
    std::string root_directory;
    bool private_tmp = false, private_network = false, private_devices = false;
    bool private_mounts = false;  // a mount namespace, also where nothing else needs one
    bool proc_subset_pid = false; // /proc has processes only
    ProtectProc protect_proc = ProtectProc::none;
    ProtectSystem protect_system = ProtectSystem::no;
    std::vector<GuardedPath> read_only_paths, read_write_paths, inaccessible_paths;
    std::vector<BoundPath> bind_paths, bind_read_only_paths;
    std::optional<CapabilitySet> capabilities;   // those kept
    std::optional<CapabilitySet> bounding;       // the limit for what it executes; none said: those kept
    std::vector<std::string> system_call_filter; // words as system_calls.hpp takes them; empty: none
    int system_call_error = 0;                   // what a denied call fails with; 0: it ends the process
    CallRestrictions restrictions;
    bool native_system_calls = false; // those of other architectures are denied, also where nothing else filters calls
    bool keep_runtime_directory = false;     // it stays when the service has stopped
    std::vector<std::uint16_t> cpu_affinity; // sorted; empty: as ours
    std::optional<Scheduling> scheduling;
    std::optional<int> io_priority; // class and level as ioprio_set(2) has them
    std::vector<OwnDirectory> directories;
};

enum class EnvironmentSyntax : std::uint8_t { shell, systemd };

// Whether a start fails where the kernel refuses a protection, or goes on without it. `automatic`: goes on in a container.
enum class Strictness : std::uint8_t { automatic, require, attempt };

// `[process]`: how the context differs from the clean one every service starts in.
struct Process {
    std::string user, group;
    std::vector<std::string> supplementary_groups;
    std::vector<std::pair<std::string, std::string>> environment;
    std::vector<EnvironmentFile> environment_files;
    // Names of files or variables, and the absolute paths that their content comes from.
    std::vector<std::pair<std::string, std::string>> credentials, environment_from;
    std::optional<std::vector<std::string>> pass_environment; // names, or "*"; none said: those of [defaults]
    std::string working_directory;                            // empty: /; "~": the home directory of its user
    std::optional<std::uint32_t> umask;
    std::optional<int> nice;
    std::optional<int> oom_score_adjust;
    std::vector<Limit> limits;
    std::vector<std::string> unset_environment;                      // names that are taken out of all of it at the end
    EnvironmentSyntax environment_syntax = EnvironmentSyntax::shell; // of environment_files
    Strictness strictness = Strictness::automatic;
    bool no_new_privileges = false;
    bool ignore_sigpipe = false;
    bool dynamic_user = false; // a user of its own is made up where `user`, or the unit's name, is no account
    Input input = Input::null;
    Output output = Output::log;
    Output error = Output::log;
    std::string input_path, output_path, error_path; // for the kind `file`
    std::string tty;                                 // its controlling terminal; empty: none
    std::string pid_file;
    std::unique_ptr<Confinement> confinement;
};

// `[cgroup]`. Sizes in bytes, weights as in cgroup v2, cpu_max in percent of one processor.
struct Cgroup {
    std::optional<std::uint64_t> memory_max, memory_high, memory_swap_max, pids_max;
    std::optional<std::uint32_t> cpu_weight, io_weight;
    std::optional<std::uint32_t> cpu_max_percent;
    bool delegate = false;
};

// One `[[listen]]`.
struct Listen {
    enum class Kind : std::uint8_t { stream, datagram, sequential_packet, fifo };
    Kind kind = Kind::stream;
    std::string address;
    std::string name, user, group;
    std::optional<std::uint32_t> mode;
    int backlog = 0; // 0: the system's
    bool reuse_port = false, accept = false;
    std::uint32_t max_connections = 64;
};

// So many lines in each span of that many seconds; 0 lines: any number.
struct RateLimit {
    std::uint32_t lines = 0;
    std::uint32_t seconds = 1;
    bool operator==(const RateLimit&) const = default;
};

// `[log]` of a unit, over the manager's own.
struct LogSettings {
    std::optional<std::uint64_t> rotate_size; // bytes
    std::optional<std::uint32_t> rotate_keep;
    std::optional<bool> compress;
    std::optional<Span> rotate_age;
    std::optional<RateLimit> rate_limit;
    bool forward = true;               // to the servers of the manager's settings
    std::optional<std::uint8_t> level; // of syslog(3): this and what is more important is kept
};

// `[health]`: how a program is asked from outside whether it works, and what follows from its answers.
struct HealthCheck {
    enum class Probe : std::uint8_t { none, command, http, tcp, unix_socket, log_line };
    enum class Action : std::uint8_t { restart, none, stop, reboot, shutdown };
    Probe probe = Probe::none;
    Action action = Action::restart;
    std::uint32_t failures = 3, successes = 1;            // in a row
    Span interval = std::chrono::seconds(10);             // from the end of one probe to the next
    Span timeout = std::chrono::seconds(3);               // of one probe
    Span start_interval = std::chrono::milliseconds(200); // as `interval`, until the first success
    Command command;     // what is run; of the probes that are our own: this program, as `minictl check`
    std::string subject; // what was written: the URL, HOST:PORT, path or regular expression; a command in one line
};

enum class Kind : std::uint8_t { service, target };

// One unit. `fault` not empty: the file is invalid, everything but the name, and the dependencies and `exit-action` that could be
// read, is meaningless, and `fault` is the first message.
struct Unit {
    std::string name;
    Kind kind = Kind::service;
    bool enabled = true;
    bool masked = false;
    bool in_bundle = false;                                       // one of many in one file
    bool refuse_manual_start = false, refuse_manual_stop = false; // only other units start and stop it
    std::string description;
    std::string source; // the file it came from, or FILE with units.NAME for one of a bundle
    std::string fault;
    std::string instance;     // of a template: what stands after the '@'
    std::uint64_t digest = 0; // of everything the files said: differs when a re-read changed the unit
    std::vector<Dependency> dependencies;
    std::vector<std::string> documentation;
    std::vector<std::string> aliases; // further names
    std::vector<Condition> conditions;
    std::unique_ptr<Await> await; // null: it waits for its dependencies alone
    Service service;
    std::unique_ptr<Process> process; // null: the clean context as it is
    std::unique_ptr<Cgroup> cgroup;
    std::vector<Listen> listen;
    std::shared_ptr<calendar::Timer> timer; // `[timer]`; a shared_ptr, as that needs no definition of Timer here
    std::unique_ptr<LogSettings> log;
    std::unique_ptr<HealthCheck> health;
};

// Whether it only stands in for a unit that others name and that does not exist (Graph makes those).
[[nodiscard]] inline bool is_phantom(const Unit& unit) { return unit.source.empty() && !unit.fault.empty(); }
// The name of the account that its processes have: `user`, or with `dynamic-user` perhaps its own. Empty: none is said.
[[nodiscard]] std::string account_of(const Unit& unit);
// Whether being wanted only arms the unit, and something else runs it: a connection, or the time.
[[nodiscard]] bool triggered(const Unit& unit);
// Whether it has sockets whose every connection gets a process of its own; such a unit has no main process.
[[nodiscard]] bool accepts(const Unit& unit);

// The PATH of services and of a command on the kernel command line, unless something else is said.
inline constexpr char usual_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// `[manager]`, `[log]` and `[defaults]` of /etc/miniinit.toml.
struct ManagerSettings {
    Span shutdown_timeout = std::chrono::seconds(90);
    bool shutdown_timeout_said = false; // false: it is the default
    Span watchdog{0};
    std::uint32_t parallel_starts = 0; // 0: no bound
    std::uint32_t boot_attempts = 3;
    BootFailure boot_failure = BootFailure::rescue;
    Span boot_timeout{0};        // 0: none
    Command boot_good, boot_bad; // run with the result of a boot; empty: none
    std::uint32_t crash_limit = 3;
    std::string end = "auto";              // how the machine is over: core/machine_end.hpp
    std::string power_button = "poweroff"; // or "reboot", "halt", "ignore", a unit
    std::string sleep_button = "ignore";
    std::optional<bool> systemd_units; // units of systemd's directories; none said: where we are decides
    std::string control_group;
    std::string log_level = "info";
    std::string default_target = "default";
    std::optional<std::string> language; // LANG of services
    bool path_said = false;              // or a PATH that is passed on counts more
    std::string path = usual_path;
    std::vector<std::pair<std::string, std::string>> environment; // [defaults] environment
    std::optional<std::vector<std::string>> pass_environment;     // [defaults]; none said: the mode decides
    std::vector<Limit> limits;                                    // [defaults] limits
    std::uint64_t rotate_size = 10u << 20;
    std::uint32_t rotate_keep = 8;
    bool compress = true;
    Span rotate_age{0};
    std::uint64_t total_size = 256u << 20;
    RateLimit rate_limit;
    std::uint8_t log_keep_level = 7;
    std::optional<std::uint8_t> console_level; // lines of this and more important levels are also shown on the console
    bool console_level_said = false;           // if not, the mode decides
    ConsoleFormat console_format = ConsoleFormat::brief;
    std::vector<std::string> forward; // servers: "udp://HOST:PORT"
    std::uint64_t forward_queue = 1u << 20;
    bool syslog = true;
    std::string syslog_socket; // empty: /dev/log, if that is ours
    bool kernel = true;
};

} // namespace mi::core
