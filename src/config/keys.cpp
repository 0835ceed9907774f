#include "config/keys.hpp"

#include "calendar/timer.hpp"
#include "config/readers.hpp"

namespace mi::config {

namespace {

using namespace read;
using core::Cgroup, core::Confinement, core::Hooks, core::LogSettings, core::Process, core::Service, calendar::Timer;
using core::Unit, core::ManagerSettings;
using Relates = core::Relation;
using If = core::Condition::Kind;
using Own = core::OwnDirectory::Kind;
using Address = core::Listen::Kind;
using core::HealthCheck;
using core::Listen;
using Reader = void (*)(const Value&, Unit&);
using ManagerReader = void (*)(const Value&, ManagerSettings&);

// Makes a row for a unit's key, and for a key of miniinit.toml.
constexpr KeyInfo row(std::string_view section, std::string_view key, std::string_view type, std::string_view fallback,
                      Reader reader, std::string_view help) {
    return {section, key, type, fallback, help, reader, nullptr};
}
constexpr KeyInfo setting(std::string_view section, std::string_view key, std::string_view type,
                          std::string_view fallback, ManagerReader reader, std::string_view help) {
    return {section, key, type, fallback, help, nullptr, reader};
}

constexpr KeyInfo unit_rows[] = {
    row("", "description", "string", "", plain<&Unit::description>, "what it is, for people"),
    row("", "documentation", "strings", "", words<&Unit::documentation>, "where to read more: addresses, man:sshd(8)"),
    row("", "aliases", "units", "", aliases, "further names of the unit"),
    row("", "requires", "units", "", relation<Relates::requirement>,
        "up before us; one that fails or stops takes us along, one that comes back brings us back"),
    row("", "wants", "units", "", relation<Relates::want>, "started with us and before us; they may fail"),
    row("", "milestones", "units", "", relation<Relates::milestone>,
        "must come up once before we start; what they do later does not concern us"),
    row("", "after", "units", "", relation<Relates::after>, "we start after them if they start too; reversed for stop"),
    row("", "before", "units", "", relation<Relates::before>, "they start after us if both start; reversed for stop"),
    row("", "conflicts", "units", "", relation<Relates::conflict>, "starting us stops them, and the reverse"),
    row("", "required-by", "units", "", relation<Relates::required_by>,
        "as if they named us in `requires`, while enabled"),
    row("", "wanted-by", "units", "", relation<Relates::wanted_by>, "as if they named us in `wants`, while enabled"),
    row("", "on-failure", "units", "", relation<Relates::on_failure>, "started when this one has failed for good"),
    row("", "on-success", "units", "", relation<Relates::on_success>, "started when this one has completed"),
    row("", "enabled", "boolean", "true", plain<&Unit::enabled>,
        "whether `required-by` and `wanted-by` count; `minictl enable` and `disable` override it"),

    row("condition", "path-exists", "strings", "", condition<If::path_exists>, "a path has to exist"),
    row("condition", "path-missing", "strings", "", condition<If::path_missing>, "a path must not exist"),
    row("condition", "directory-not-empty", "strings", "", condition<If::directory_not_empty>,
        "a directory has to have something in it"),
    row("condition", "kernel-command-line", "strings", "", condition<If::kernel_command_line>,
        "a word, or WORD=VALUE, has to stand on the kernel command line"),
    row("condition", "container", "boolean", "", condition<If::container>, "whether we have to be in a container"),
    row("condition", "capability", "strings", "", condition<If::capability>, "a capability that PID 1 has to have"),
    row("condition", "first-boot", "boolean", "", condition<If::first_boot>, "whether it has to be the first boot"),

    row("target", "aliases", "units", "", aliases, "further names of the target, as the key of that name above"),

    row("service", "type", "simple|oneshot|forking|notify|notify-fd", "\"simple\"", plain<&Service::type>,
        "when it counts as up: at exec, at exit 0, at exit 0 of the parent, at READY=1, at a newline on `ready-fd`"),
    row("service", "command", "command", "", command, "what runs: an array, or a string split by shell quoting rules"),
    row("service", "script", "string", "", script, "text for /bin/sh -eu -c, instead of `command`"),
    row("service", "pre-start", "commands", "", plain<&Hooks::pre_start>, "run in order before the command"),
    row("service", "post-start", "commands", "", plain<&Hooks::post_start>, "run in order once it is up"),
    row("service", "stop-command", "commands", "", plain<&Hooks::stop>,
        "run in order to stop it, before `stop-signal`"),
    row("service", "post-stop", "commands", "", plain<&Hooks::post_stop>,
        "run in order after its end, however it came"),
    row("service", "reload-command", "command", "", reload_command,
        "what `minictl reload` runs, instead of `reload-signal`"),
    row("service", "reload-signal", "signal", "\"SIGHUP\"", reload_signal,
        "what `minictl reload` sends to the main process, or \"none\"; by default only if that handles it"),
    row("service", "restart", "no|on-failure|on-abnormal|always", "\"on-failure\"", plain<&Service::restart>,
        "after which ends it is started again (\"no\" is the default of a oneshot)"),
    row("service", "restart-delay", "duration", "\"100ms\"", plain<&Service::restart_delay>,
        "the first pause before a restart, doubled by each further one"),
    row("service", "restart-delay-max", "duration", "\"30s\"", plain<&Service::restart_delay_max>,
        "the longest pause; a run longer than this is stable and resets pause and limit"),
    row("service", "restart-limit", "integer", "10", number<&Service::restart_limit, 0, most>,
        "restarts in a row without a stable run before it is failed; 0: no limit"),
    row("service", "restart-limit-action", "fail|retry|reboot|shutdown", "\"fail\"",
        plain<&Service::restart_limit_action>, "what happens past the limit"),
    row("service", "success-exit", "codes and signals", "[0]", success_exit, "ends that count as success"),
    row("service", "restart-prevent-exit", "codes and signals", "[]", restart_prevent_exit,
        "ends after which it is not started again, whatever `restart` says"),
    row("service", "restart-force-exit", "codes and signals", "[]", restart_force_exit,
        "ends after which it is started again, whatever `restart` says"),
    row("service", "start-timeout", "duration", "\"90s\"", plain<&Service::start_timeout>,
        "how long it may take to come up; \"0\": for ever"),
    row("service", "stop-timeout", "duration", "\"10s\"", plain<&Service::stop_timeout>,
        "how long it may take to stop before SIGKILL; \"0\": for ever"),
    row("service", "stop-signal", "signal", "\"SIGTERM\"", signal<&Service::stop_signal>, "what asks it to stop"),
    row("service", "kill-mode", "group|process|mixed", "\"group\"", plain<&Service::kill_mode>,
        "who gets `stop-signal`: every process, the main one, or the main one while the rest get SIGKILL"),
    row("service", "exit-action", "none|shutdown|reboot|poweroff", "\"none\"", plain<&Service::exit_action>,
        "what the machine does when this service has ended for good"),
    row("service", "notify-access", "main|exec|all", "", plain<&Service::notify_access>,
        "whose sd_notify messages count: the main process's, those of its commands too, or of every process of it"),
    row("service", "fd-store-max", "integer", "128", number<&Service::fd_store_max, 0, 1024>,
        "descriptors it may leave with PID 1 over its restarts (FDSTORE=1)"),
    row("service", "ready-fd", "integer", "3", number<&Service::ready_fd, 3, 255>,
        "the descriptor on which a service of type notify-fd writes its newline"),
    row("service", "watchdog", "duration", "\"off\"", watchdog,
        "WATCHDOG=1 has to arrive this often, or it gets SIGABRT"),
    row("service", "activation", "normal|on-demand", "\"normal\"", plain<&Service::activation>,
        "on-demand: started by the first connection to one of its sockets"),
    row("service", "switch-root", "stop|keep", "\"stop\"", plain<&Service::switch_root>,
        "keep: it goes on, untouched, when `minictl switch-root` takes the machine to another root file system"),

    row("process", "user", "account", "", account<&Process::user>, "runs as this user, by name or number"),
    row("process", "group", "account", "", account<&Process::group>, "runs in this group; default: the user's own"),
    row("process", "supplementary-groups", "accounts", "", supplementary_groups,
        "further groups, besides those that /etc/group gives the user"),
    row("process", "environment", "table of strings", "", environment, "variables it gets"),
    row("process", "environment-files", "paths", "", environment_files,
        "files of KEY=VALUE lines; with a leading '-' one may be missing"),
    row("process", "environment-syntax", "shell|systemd", "\"shell\"", plain<&Process::environment_syntax>,
        "how environment-files are read; systemd: as its EnvironmentFile="),
    row("process", "environment-from", "table of paths", "", environment_from,
        "variables whose values are what these files hold; it reads them itself, as root"),
    row("process", "credentials", "table of paths", "", credentials,
        "files in $CREDENTIALS_DIRECTORY, and what they are copies of; a name without '/' is one of the machine's own"),
    row("process", "pass-environment", "names", "", pass_environment,
        "variables passed on from PID 1's own environment; \"*\": all; without it those of [defaults]"),
    row("process", "unset-environment", "names", "", unset_environment,
        "variables that it does not get, wherever they come from"),
    row("process", "working-directory", "path", "\"/\"", path<&Process::working_directory>,
        "the directory it starts in"),
    row("process", "umask", "mode", "\"0022\"", mode<&Process::umask>, "its file mode mask"),
    row("process", "nice", "integer", "0", number<&Process::nice, -20, 19>, "its niceness, -20 to 19"),
    row("process", "oom-score-adjust", "integer", "0", number<&Process::oom_score_adjust, -1000, 1000>,
        "-1000 (never) to 1000 (first), when memory runs out"),
    row("process", "limits", "table of limits", "", limits,
        "resource limits by name: N or \"unlimited\" for soft and hard, or [soft, hard]"),
    row("process", "no-new-privileges", "boolean", "false", plain<&Process::no_new_privileges>,
        "set-user-ID programs have no effect in it"),
    row("process", "ignore-sigpipe", "boolean", "false", plain<&Process::ignore_sigpipe>,
        "it begins with SIGPIPE ignored, as under systemd"),
    row("process", "stdin", "null|tty|socket|file:PATH", "\"null\"", standard_input, "where it reads from"),
    row("process", "stdout", "log|console|null|inherit|socket|file:PATH", "\"log\"", standard_output,
        "where it writes"),
    row("process", "stderr", "log|console|null|inherit|socket|file:PATH", "\"log\"", standard_error,
        "where its errors go"),
    row("process", "tty", "path", "", tty, "the terminal it gets as its controlling one, reset first"),
    row("process", "pid-file", "path", "", path<&Process::pid_file>,
        "written for it; read, for the main process, where `type` is forking"),
    row("process", "root-directory", "path", "", path<&Confinement::root_directory>, "its root directory"),
    row("process", "capabilities", "capabilities", "", capabilities<&Confinement::capabilities>,
        "those it keeps; all others are dropped"),
    row("process", "bounding-capabilities", "capabilities", "", capabilities<&Confinement::bounding>,
        "those that a set-user-ID program of it may still get; default: `capabilities`"),
    row("process", "system-call-filter", "strings", "", system_call_filter, "system calls it may make"),
    row("process", "system-call-error", "kill|EPERM|EACCES|ENOSYS|EINVAL|ENOTSUP|EUCLEAN|ENOENT", "\"kill\"",
        system_call_error, "what a system call that the filter denies gets; kill: SIGSYS"),
    row("process", "cpu-affinity", "processors", "", cpu_affinity, "processors it may run on: numbers and \"A-B\""),
    row("process", "scheduling", "other|batch|idle|fifo:N|rr:N", "\"other\"", scheduling, "its scheduling policy"),
    row("process", "io-priority", "idle|best-effort:N|realtime:N", "", io_priority, "its priority for disks"),
    row("process", "private-tmp", "boolean", "false", plain<&Confinement::private_tmp>, "a /tmp of its own"),
    row("process", "private-network", "boolean", "false", plain<&Confinement::private_network>,
        "no network but loopback"),
    row("process", "private-devices", "boolean", "false", plain<&Confinement::private_devices>,
        "a /dev with nothing but null, zero, full, random, urandom and tty"),
    row("process", "protect-system", "no|yes|full|strict", "\"no\"", protect_system,
        "the system's directories read-only"),
    row("process", "read-only-paths", "paths", "", guarded_paths<&Confinement::read_only_paths>,
        "paths it cannot write; with a leading '-' one may be missing"),
    row("process", "read-write-paths", "paths", "", guarded_paths<&Confinement::read_write_paths>,
        "paths it can write as it could without the keys that forbid it"),
    row("process", "inaccessible-paths", "paths", "", guarded_paths<&Confinement::inaccessible_paths>,
        "paths it cannot see"),
    row("process", "runtime-directory", "names", "", directory<Own::runtime>,
        "made below /run for it, removed on stop"),
    row("process", "state-directory", "names", "", directory<Own::state>, "made below /var/lib for it"),
    row("process", "logs-directory", "names", "", directory<Own::logs>, "made below /var/log for it"),

    row("cgroup", "memory-max", "size", "", bound<&Cgroup::memory_max>,
        "memory it may use before the OOM killer comes"),
    row("cgroup", "memory-high", "size", "", bound<&Cgroup::memory_high>, "memory above which it is slowed down"),
    row("cgroup", "memory-swap-max", "size", "", bound<&Cgroup::memory_swap_max>, "swap it may use"),
    row("cgroup", "cpu-max", "percent", "", cpu_max, "processor time, 100% being one processor"),
    row("cgroup", "cpu-weight", "integer", "100", number<&Cgroup::cpu_weight, 1, 10000>,
        "its share of busy processors"),
    row("cgroup", "io-weight", "integer", "100", number<&Cgroup::io_weight, 1, 10000>, "its share of busy disks"),
    row("cgroup", "pids-max", "integer", "", bound<&Cgroup::pids_max>, "processes and threads it may have"),
    row("cgroup", "delegate", "boolean", "false", plain<&Cgroup::delegate>, "the service manages its own subtree"),

    row("listen", "stream", "address", "", listen<Address::stream>, "HOST:PORT, [V6]:PORT, /path or @name"),
    row("listen", "datagram", "address", "", listen<Address::datagram>, "HOST:PORT, [V6]:PORT, /path or @name"),
    row("listen", "sequential-packet", "address", "", listen<Address::sequential_packet>, "/path or @name"),
    row("listen", "fifo", "path", "", listen<Address::fifo>, "a named pipe"),
    row("listen", "name", "string", "", plain<&Listen::name>, "how LISTEN_FDNAMES calls it"),
    row("listen", "mode", "mode", "\"0666\"", mode<&Listen::mode>, "mode of the socket's file"),
    row("listen", "user", "account", "", account<&Listen::user>, "owner of the socket's file"),
    row("listen", "group", "account", "", account<&Listen::group>, "group of the socket's file"),
    row("listen", "backlog", "integer", "", number<&Listen::backlog, 1, 65535>, "connections that may wait"),
    row("listen", "reuse-port", "boolean", "false", plain<&Listen::reuse_port>, "SO_REUSEPORT"),
    row("listen", "accept", "boolean", "false", plain<&Listen::accept>,
        "one process for each connection, as its stdin and stdout"),
    row("listen", "max-connections", "integer", "64", number<&Listen::max_connections, 1, 65535>,
        "processes at once, with `accept`"),

    row("timer", "every", "duration", "", plain<&Timer::every>, "runs again and again, this far apart"),
    row("timer", "calendar", "strings", "", calendar, "runs at these times, as systemd.time(7) writes them"),
    row("timer", "after-boot", "duration", "", duration<&Timer::after_boot>, "runs this long after boot, once"),
    row("timer", "jitter", "duration", "\"0\"", plain<&Timer::jitter>, "up to this much later, by chance"),
    row("timer", "persistent", "boolean", "false", plain<&Timer::persistent>, "a time missed while off is made up for"),

    row("log", "rotate-size", "size", "\"10M\"", size<&LogSettings::rotate_size>,
        "the log file is rotated at this size"),
    row("log", "rotate-keep", "integer", "8", number<&LogSettings::rotate_keep, 0, 100000>, "rotated files kept"),
    row("log", "compress", "boolean", "true", boolean<&LogSettings::compress>, "rotated files are compressed (zstd)"),
    row("log", "rotate-age", "duration", "\"0\"", duration<&LogSettings::rotate_age>,
        "rotated at this age; \"0\": never"),
    row("log", "rate-limit", "rate", "0", log_rate_limit, "lines a second, or \"LINES/DURATION\"; 0: no limit"),
    row("log", "level", "emerg|alert|crit|err|warning|notice|info|debug", "\"debug\"", log_level,
        "this and what is more important is kept"),
    row("log", "forward", "boolean", "true", plain<&LogSettings::forward>,
        "its lines go to the servers of miniinit.toml, too"),

    row("health", "command", "command", "", health_command, "it is healthy as long as this exits 0"),
    row("health", "http", "string", "", health_http, "it is healthy as long as this URL is answered with 2xx or 3xx"),
    row("health", "tcp", "string", "", health_tcp, "it is healthy as long as this HOST:PORT takes connections"),
    row("health", "unix", "path", "", health_unix, "it is healthy as long as this socket takes connections"),
    row("health", "log-line", "string", "", health_log_line,
        "it is healthy once a line of its output matches this regular expression"),
    row("health", "interval", "duration", "\"10s\"", health_interval, "from the end of one probe to the next"),
    row("health", "timeout", "duration", "\"3s\"", health_timeout, "how long a probe may take"),
    row("health", "start-interval", "duration", "\"200ms\"", health_start_interval,
        "as `interval`, until the first success; the unit is starting that long"),
    row("health", "failures", "integer", "3", number<&HealthCheck::failures, 1, most>,
        "failed probes in a row that make it unhealthy"),
    row("health", "successes", "integer", "1", number<&HealthCheck::successes, 1, most>,
        "good probes in a row that make it healthy again"),
    row("health", "action", "restart|none|stop|reboot|shutdown", "\"restart\"", plain<&HealthCheck::action>,
        "what happens when it becomes unhealthy"),
};

constexpr KeyInfo manager_rows[] = {
    setting("manager", "shutdown-timeout", "duration", "\"90s\"", manager_shutdown_timeout,
            "how long a shutdown may take"),
    setting("manager", "watchdog", "duration", "\"0\"", manager<&ManagerSettings::watchdog>,
            "the hardware watchdog's time; \"0\": off"),
    setting("manager", "parallel-starts", "integer", "0", manager_number<&ManagerSettings::parallel_starts, 0, most>,
            "units that may be starting at once; 0: no bound"),
    setting("manager", "boot-attempts", "integer", "3", manager_number<&ManagerSettings::boot_attempts, 0, 1000>,
            "boots in a row that may miss the default target before `rescue` is booted; 0: no bound"),
    setting("manager", "crash-limit", "integer", "3", manager_number<&ManagerSettings::crash_limit, 0, 1000>,
            "crashes of the init within a minute, after which it only takes care of what runs"),
    setting("manager", "end", "auto|poweroff|reboot|halt|isa-debug-exit[:PORT]|pvpanic", "\"auto\"", manager_end,
            "how the machine is over when it is powered off"),
    setting("manager", "power-button", "poweroff|reboot|halt|ignore|unit", "\"poweroff\"",
            manager_button<&ManagerSettings::power_button>, "what the machine's power button does"),
    setting("manager", "sleep-button", "poweroff|reboot|halt|ignore|unit", "\"ignore\"",
            manager_button<&ManagerSettings::sleep_button>, "what its sleep button does"),
    setting("manager", "control-group", "account", "", manager_control_group,
            "members of this group may act, as root may"),
    setting("manager", "log-level", "error|warning|info|debug", "\"info\"", manager_log_level,
            "what PID 1 itself logs"),
    setting("manager", "default-target", "unit", "\"default\"", manager_unit_name, "what is brought up at boot"),
    setting("manager", "language", "string", "", manager_language, "LANG of services"),
    setting("manager", "path", "string", "\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"",
            manager_path, "PATH of services, and where commands are looked up"),

    setting("log", "rotate-size", "size", "\"10M\"", manager_size<&ManagerSettings::rotate_size>,
            "a log file is rotated at this size"),
    setting("log", "rotate-keep", "integer", "8", manager_number<&ManagerSettings::rotate_keep, 0, 100000>,
            "rotated files kept of each unit"),
    setting("log", "compress", "boolean", "true", manager<&ManagerSettings::compress>,
            "rotated files are compressed (zstd)"),
    setting("log", "rotate-age", "duration", "\"0\"", manager<&ManagerSettings::rotate_age>,
            "rotated at this age; \"0\": never"),
    setting("log", "total-size", "size", "\"256M\"", manager_size<&ManagerSettings::total_size>,
            "what all logs together may take; 0: no limit"),
    setting("log", "rate-limit", "rate", "0", manager_rate_limit,
            "lines a second of each unit, or \"LINES/DURATION\"; 0: no limit"),
    setting("log", "level", "emerg|alert|crit|err|warning|notice|info|debug", "\"debug\"", manager_keep_level,
            "this and what is more important is kept"),
    setting("log", "console-level", "off|emerg|alert|crit|err|warning|notice|info|debug", "\"off\"",
            manager_console_level, "of units, this and what is more important is on the console, too"),
    setting("log", "syslog", "boolean", "true", manager<&ManagerSettings::syslog>,
            "what is sent to /dev/log by syslog(3) is kept"),
    setting("log", "syslog-socket", "path", "\"/dev/log\"", manager_socket,
            "where it is sent to; not set: only where no other init can be meant"),
    setting("log", "kernel", "boolean", "true", manager<&ManagerSettings::kernel>,
            "the kernel's messages are kept, on a machine"),
    setting("log", "forward", "addresses", "", manager_forward,
            "udp://HOST:PORT or tcp://HOST:PORT of a syslog server, or several"),
    setting("log", "forward-queue", "size", "\"1M\"", manager_size<&ManagerSettings::forward_queue>,
            "what may wait for such a server in memory"),

    setting("defaults", "environment", "table of strings", "", manager_environment,
            "variables that every service gets"),
    setting("defaults", "pass-environment", "names", "", manager_pass_environment,
            "variables passed on from PID 1's own environment; \"*\": all"),
    setting("defaults", "limits", "table of limits", "", manager_limits, "resource limits of every service"),
};

} // namespace

std::span<const KeyInfo> unit_keys() { return unit_rows; }

std::span<const KeyInfo> manager_keys() { return manager_rows; }

std::span<const KeyInfo> section_of(std::span<const KeyInfo> keys, std::string_view section) {
    std::size_t first = 0;
    while (first < keys.size() && keys[first].section != section)
        ++first;
    std::size_t last = first;
    while (last < keys.size() && keys[last].section == section)
        ++last;
    return keys.subspan(first, last - first);
}

} // namespace mi::config
