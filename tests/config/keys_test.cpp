// Every key of the key table: described, and read into its member.
#include "calendar/timer.hpp"
#include "config/keys.hpp"
#include "config/load.hpp"
#include "config/syntax.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include <sys/resource.h>

#include <algorithm>
#include <set>
#include <string>

namespace mi::config {

using namespace std::chrono_literals;
using core::Condition, core::Dependency, core::Listen, core::ManagerSettings, core::Relation, core::Unit;
using Words = std::vector<std::string>;
using Guarded = std::vector<core::GuardedPath>;

namespace {

struct Sample {
    std::string_view section, key, value;
    std::string_view rest; // what else the unit needs
    bool (*holds)(const Unit&);
};

template <bool CallRestrictions::* Member>
bool restricts(const Unit& unit) {
    return unit.process->confinement->restrictions.*Member;
}
template <Relation Kind>
bool depends(const Unit& u) {
    return u.dependencies == std::vector<Dependency>{{Kind, "a"}, {Kind, "b@c"}};
}
template <Condition::Kind Kind>
bool condition(const Unit& u) {
    return u.conditions.size() == 1 && u.conditions[0].kind == Kind;
}
template <Listen::Kind Kind>
bool listens(const Unit& u) {
    return u.listen.size() == 1 && u.listen[0].kind == Kind && !u.listen[0].address.empty();
}

template <core::Awaited::Kind Kind>
bool awaits(const Unit& u) {
    return u.await->things.size() == 1 && u.await->things[0].kind == Kind;
}

constexpr std::string_view stream = "stream = \"/run/x\"\n";
constexpr std::string_view port = "stream = \"*:80\"\n";

const Sample samples[] = {
    {"", "description", "\"x\"", "", [](const Unit& u) { return u.description == "x"; }},
    {"", "documentation", "[\"x\", \"y\"]", "", [](const Unit& u) { return u.documentation == Words{"x", "y"}; }},
    {"", "requires", "[\"a\", \"b@c\", \"a\"]", "", depends<Relation::requirement>},
    {"", "wants", "[\"a\", \"b@c\"]", "", depends<Relation::want>},
    {"", "milestones", "[\"a\", \"b@c\"]", "", depends<Relation::milestone>},
    {"", "after", "[\"a\", \"b@c\"]", "", depends<Relation::after>},
    {"", "before", "[\"a\", \"b@c\"]", "", depends<Relation::before>},
    {"", "conflicts", "[\"a\", \"b@c\"]", "", depends<Relation::conflict>},
    {"", "required-by", "[\"a\", \"b@c\"]", "", depends<Relation::required_by>},
    {"", "wanted-by", "[\"a\", \"b@c\"]", "", depends<Relation::wanted_by>},
    {"", "part-of", "[\"a\", \"b@c\"]", "", depends<Relation::part_of>},
    {"", "reload-with", "[\"a\", \"b@c\"]", "", depends<Relation::reload_with>},
    {"", "on-failure", "[\"a\", \"b@c\"]", "", depends<Relation::on_failure>},
    {"", "on-success", "[\"a\", \"b@c\"]", "", depends<Relation::on_success>},
    {"", "refuse-manual-start", "true", "", [](const Unit& u) { return u.refuse_manual_start; }},
    {"", "refuse-manual-stop", "true", "", [](const Unit& u) { return u.refuse_manual_stop; }},
    {"", "enabled", "false", "", [](const Unit& u) { return !u.enabled; }},
    {"condition", "path-exists", "\"/a\"", "", condition<Condition::Kind::path_exists>},
    {"condition", "path-missing", "[\"/a\"]", "", condition<Condition::Kind::path_missing>},
    {"condition", "path-matches", "[\"/a*\"]", "", condition<Condition::Kind::path_matches>},
    {"condition", "directory-not-empty", "\"!/a\"", "",
     [](const Unit& u) {
         return condition<Condition::Kind::directory_not_empty>(u) && u.conditions[0].negated &&
                u.conditions[0].argument == "/a";
     }},
    {"condition", "kernel-command-line", "\"quiet\"", "", condition<Condition::Kind::kernel_command_line>},
    {"condition", "container", "false", "",
     [](const Unit& u) {
         return condition<Condition::Kind::container>(u) && u.conditions[0].argument == "false" &&
                !u.conditions[0].negated;
     }},
    {"condition", "capability", "\"CAP_SYS_ADMIN\"", "", condition<Condition::Kind::capability>},
    {"condition", "program", "\"udevadm\"", "", condition<Condition::Kind::program>},
    {"condition", "ac-power", "false", "", condition<Condition::Kind::ac_power>},
    {"condition", "first-boot", "true", "", condition<Condition::Kind::first_boot>},
    {"", "aliases", "[\"sshd\"]", "", [](const Unit& u) { return u.aliases == Words{"sshd"}; }},
    {"target", "aliases", "[\"runlevel3\"]", "", [](const Unit& u) { return u.aliases == Words{"runlevel3"}; }},

    {"service", "type", "\"notify\"", "", [](const Unit& u) { return u.service.type == core::ServiceType::notify; }},
    {"service", "command", "\"/a 'b c'\"", "", [](const Unit& u) { return u.service.command == Words{"/a", "b c"}; }},
    {"service", "stop-last", "true", "", [](const Unit& u) { return u.service.stops_last; }},
    {"service", "script", "\"true\"", "",
     [](const Unit& u) { return u.service.command == Words{"/bin/sh", "-eu", "-c", "true", "t"}; }},
    {"service", "pre-start", "[[\"/a\", \"b\"], \"/c d\"]", "",
     [](const Unit& u) { return u.service.hooks->pre_start == std::vector<Words>{{"/a", "b"}, {"/c", "d"}}; }},
    {"service", "post-start", "\"/a\"", "", [](const Unit& u) { return u.service.hooks->post_start.size() == 1; }},
    {"service", "stop-command", "[\"/a\"]", "", [](const Unit& u) { return u.service.hooks->stop.size() == 1; }},
    {"service", "post-stop", "[\"/a\"]", "", [](const Unit& u) { return u.service.hooks->post_stop.size() == 1; }},
    {"service", "reload-command", "[\"/a\", \"b\"]", "",
     [](const Unit& u) { return u.service.hooks->reload == Words{"/a", "b"}; }},
    {"service", "reload-signal", "\"USR1\"", "", [](const Unit& u) { return u.service.reload_signal == 10; }},
    {"service", "restart", "\"always\"", "",
     [](const Unit& u) { return u.service.restart == core::RestartPolicy::always; }},
    {"service", "restart-delay", "\"5s\"", "", [](const Unit& u) { return u.service.restart_delay == 5s; }},
    {"service", "restart-delay-max", "\"5s\"", "", [](const Unit& u) { return u.service.restart_delay_max == 5s; }},
    {"service", "restart-limit", "0", "", [](const Unit& u) { return u.service.restart_limit == 0; }},
    {"service", "restart-limit-action", "\"retry\"", "",
     [](const Unit& u) { return u.service.restart_limit_action == core::LimitAction::retry; }},
    {"service", "success-exit", "[0, 3, \"SIGTERM\"]", "",
     [](const Unit& u) {
         return u.service.success_exit == std::vector<core::Exit>{{false, 0}, {false, 3}, {true, 15}};
     }},
    {"service", "restart-prevent-exit", "[2, \"SIGABRT\"]", "",
     [](const Unit& u) {
         return u.service.restart_exceptions->prevent == std::vector<core::Exit>{{false, 2}, {true, 6}};
     }},
    {"service", "restart-force-exit", "[0]", "",
     [](const Unit& u) { return u.service.restart_exceptions->force == std::vector<core::Exit>{{false, 0}}; }},
    {"service", "start-timeout", "\"5s\"", "", [](const Unit& u) { return u.service.start_timeout == 5s; }},
    {"service", "stop-timeout", "\"0\"", "", [](const Unit& u) { return u.service.stop_timeout == 0s; }},
    {"service", "stop-signal", "\"SIGINT\"", "", [](const Unit& u) { return u.service.stop_signal == 2; }},
    {"service", "switch-root", "\"keep\"", "",
     [](const Unit& u) { return u.service.switch_root == core::SwitchRoot::keep; }},
    {"service", "kill-mode", "\"mixed\"", "",
     [](const Unit& u) { return u.service.kill_mode == core::KillMode::mixed; }},
    {"service", "exit-action", "\"shutdown\"", "",
     [](const Unit& u) { return u.service.exit_action == core::ExitAction::shutdown; }},
    {"service", "notify-access", "\"all\"", "",
     [](const Unit& u) { return u.service.notify_access == core::NotifyAccess::all; }},
    {"service", "non-blocking", "true", "", [](const Unit& u) { return u.service.non_blocking; }},
    {"service", "fd-store-max", "7", "", [](const Unit& u) { return u.service.fd_store_max == 7; }},
    {"service", "ready-fd", "4", "type = \"notify-fd\"\n", [](const Unit& u) { return u.service.ready_fd == 4; }},
    {"service", "watchdog", "\"5s\"", "", [](const Unit& u) { return u.service.watchdog == 5s; }},
    {"service", "activation", "\"on-demand\"", "[[listen]]\nstream = \"/x\"\n",
     [](const Unit& u) { return u.service.activation == core::Activation::on_demand; }},

    {"process", "user", "\"www\"", "", [](const Unit& u) { return u.process->user == "www"; }},
    {"process", "group", "33", "", [](const Unit& u) { return u.process->group == "33"; }},
    {"process", "dynamic-user", "true", "", [](const Unit& u) { return u.process->dynamic_user; }},
    {"process", "supplementary-groups", "[\"a\", 5]", "user = \"www\"\n",
     [](const Unit& u) { return u.process->supplementary_groups == Words{"a", "5"}; }},
    {"process", "environment", "{ A = \"b\" }", "",
     [](const Unit& u) {
         return u.process->environment == std::vector<std::pair<std::string, std::string>>{{"A", "b"}};
     }},
    {"process", "environment-from", "{ A = \"/run/secrets/a\", B = \"b\" }", "",
     [](const Unit& u) {
         return u.process->environment_from == std::vector<std::pair<std::string, std::string>>{
                                                   {"A", "/run/secrets/a"}, {"B", "/run/credentials/@system/b"}};
     }},
    {"process", "credentials", "{ db-password = \"/run/secrets/db\", \"tls.key\" = \"tls\" }", "",
     [](const Unit& u) {
         return u.process->credentials ==
                std::vector<std::pair<std::string, std::string>>{{"db-password", "/run/secrets/db"},
                                                                 {"tls.key", "/run/credentials/@system/tls"}};
     }},
    {"process", "environment-files", "[\"/a\", \"-/b\"]", "",
     [](const Unit& u) {
         return u.process->environment_files == std::vector<core::EnvironmentFile>{{"/a", false}, {"/b", true}};
     }},
    {"process", "confinement", "\"require\"", "",
     [](const Unit& u) { return u.process->strictness == core::Strictness::require; }},
    {"process", "environment-syntax", "\"systemd\"", "",
     [](const Unit& u) { return u.process->environment_syntax == core::EnvironmentSyntax::systemd; }},
    {"process", "unset-environment", "[\"A\", \"B\"]", "",
     [](const Unit& u) { return u.process->unset_environment == Words{"A", "B"}; }},
    {"process", "ignore-sigpipe", "true", "", [](const Unit& u) { return u.process->ignore_sigpipe; }},
    {"process", "bounding-capabilities", "[\"!CAP_KILL\", \"!CAP_CHOWN\"]", "",
     [](const Unit& u) { return u.process->confinement->bounding == ~(CapabilitySet{1} << 5 | CapabilitySet{1}); }},
    {"process", "pass-environment", "[\"A\", \"*\"]", "",
     [](const Unit& u) { return u.process->pass_environment == Words{"A", "*"}; }},
    {"process", "working-directory", "\"/srv\"", "",
     [](const Unit& u) { return u.process->working_directory == "/srv"; }},
    {"process", "umask", "\"0077\"", "", [](const Unit& u) { return u.process->umask == 077u; }},
    {"process", "nice", "-5", "", [](const Unit& u) { return u.process->nice == -5; }},
    {"process", "oom-score-adjust", "-1000", "", [](const Unit& u) { return u.process->oom_score_adjust == -1000; }},
    {"process", "limits", "{ core = 0, nofile = [1, \"unlimited\"], stack = \"1M\" }", "",
     [](const Unit& u) {
         auto limits = u.process->limits;
         std::sort(limits.begin(), limits.end(), [](auto& a, auto& b) { return a.soft < b.soft; });
         return limits == std::vector<core::Limit>{
                              {RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 1, ~0ull}, {RLIMIT_STACK, 1 << 20, 1 << 20}};
     }},
    {"process", "no-new-privileges", "true", "", [](const Unit& u) { return u.process->no_new_privileges; }},
    {"process", "stdin", "\"file:/a\"", "",
     [](const Unit& u) { return u.process->input == core::Input::file && u.process->input_path == "/a"; }},
    {"process", "stdout", "\"console\"", "", [](const Unit& u) { return u.process->output == core::Output::console; }},
    {"process", "stderr", "\"file:/b\"", "",
     [](const Unit& u) { return u.process->error == core::Output::file && u.process->error_path == "/b"; }},
    {"process", "tty", "\"/dev/tty1\"", "stdin = \"tty\"\n",
     [](const Unit& u) { return u.process->tty == "/dev/tty1"; }},
    {"process", "pid-file", "\"/run/x.pid\"", "", [](const Unit& u) { return u.process->pid_file == "/run/x.pid"; }},
    {"process", "root-directory", "\"/srv\"", "",
     [](const Unit& u) { return u.process->confinement->root_directory == "/srv"; }},
    {"process", "capabilities", "[\"CAP_KILL\"]", "",
     [](const Unit& u) { return u.process->confinement->capabilities == CapabilitySet{1} << 5; }},
    {"process", "system-call-filter", "[\"@basic-io\", \"~mount\"]", "",
     [](const Unit& u) { return u.process->confinement->system_call_filter.size() == 2; }},
    {"process", "system-call-error", "\"EPERM\"", "system-call-filter = [\"@default\"]\n",
     [](const Unit& u) { return u.process->confinement->system_call_error == EPERM; }},
    {"process", "restrict-address-families", "[\"AF_UNIX\", \"AF_INET\"]", "",
     [](const Unit& u) {
         const CallRestrictions& told = u.process->confinement->restrictions;
         return told.families_allow && told.families == std::vector<std::uint16_t>{1, 2};
     }},
    {"process", "restrict-namespaces", "[\"net\", \"user\"]", "",
     [](const Unit& u) { return u.process->confinement->restrictions.namespaces == 0x50000000; }},
    {"process", "restrict-realtime", "true", "", restricts<&CallRestrictions::realtime>},
    {"process", "restrict-suid-sgid", "true", "", restricts<&CallRestrictions::suid_sgid>},
    {"process", "lock-personality", "true", "", restricts<&CallRestrictions::personality>},
    {"process", "memory-deny-write-execute", "true", "", restricts<&CallRestrictions::write_execute>},
    {"process", "protect-hostname", "true", "", restricts<&CallRestrictions::hostname>},
    {"process", "cpu-affinity", "[4, \"0-2\", 1]", "",
     [](const Unit& u) { return u.process->confinement->cpu_affinity == std::vector<std::uint16_t>{0, 1, 2, 4}; }},
    {"process", "scheduling", "\"fifo:10\"", "",
     [](const Unit& u) { return u.process->confinement->scheduling == core::Scheduling{1, 10}; }},
    {"process", "io-priority", "\"idle\"", "",
     [](const Unit& u) { return u.process->confinement->io_priority == 3 << 13; }},
    {"process", "private-tmp", "true", "", [](const Unit& u) { return u.process->confinement->private_tmp; }},
    {"process", "private-mounts", "true", "", [](const Unit& u) { return u.process->confinement->private_mounts; }},
    {"process", "protect-proc", "\"invisible\"", "",
     [](const Unit& u) { return u.process->confinement->protect_proc == core::ProtectProc::invisible; }},
    {"process", "proc-subset", "\"pid\"", "", [](const Unit& u) { return u.process->confinement->proc_subset_pid; }},
    {"process", "bind-paths", "[\"/a\", \"-/b:/c\"]", "",
     [](const Unit& u) {
         return u.process->confinement->bind_paths ==
                std::vector<core::BoundPath>{{"/a", "/a", false}, {"/b", "/c", true}};
     }},
    {"process", "bind-read-only-paths", "[\"/a:/b\"]", "",
     [](const Unit& u) {
         return u.process->confinement->bind_read_only_paths == std::vector<core::BoundPath>{{"/a", "/b", false}};
     }},
    {"process", "native-system-calls", "true", "",
     [](const Unit& u) { return u.process->confinement->native_system_calls; }},
    {"process", "private-network", "true", "", [](const Unit& u) { return u.process->confinement->private_network; }},
    {"process", "private-devices", "true", "", [](const Unit& u) { return u.process->confinement->private_devices; }},
    {"process", "protect-system", "\"full\"", "",
     [](const Unit& u) { return u.process->confinement->protect_system == core::ProtectSystem::full; }},
    {"process", "read-only-paths", "[\"/a\", \"-/b\"]", "",
     [](const Unit& u) { return u.process->confinement->read_only_paths == Guarded{{"/a", false}, {"/b", true}}; }},
    {"process", "read-write-paths", "[\"/a\"]", "protect-system = \"full\"\n",
     [](const Unit& u) { return u.process->confinement->read_write_paths == Guarded{{"/a", false}}; }},
    {"process", "inaccessible-paths", "[\"/a\"]", "",
     [](const Unit& u) { return u.process->confinement->inaccessible_paths == Guarded{{"/a", false}}; }},
    {"process", "runtime-directory", "\"a/b\"", "",
     [](const Unit& u) {
         return u.process->confinement->directories ==
                std::vector<core::OwnDirectory>{{core::OwnDirectory::Kind::runtime, "a/b"}};
     }},
    {"process", "state-directory", "[\"a\", \"b\"]", "",
     [](const Unit& u) { return u.process->confinement->directories.size() == 2; }},
    {"process", "logs-directory", "\"a\"", "",
     [](const Unit& u) { return u.process->confinement->directories[0].kind == core::OwnDirectory::Kind::logs; }},
    {"process", "cache-directory", "\"a\"", "",
     [](const Unit& u) { return u.process->confinement->directories[0].kind == core::OwnDirectory::Kind::cache; }},
    {"process", "configuration-directory", "\"a\"", "",
     [](const Unit& u) {
         return u.process->confinement->directories[0].kind == core::OwnDirectory::Kind::configuration;
     }},
    {"process", "keep-runtime-directory", "true", "",
     [](const Unit& u) { return u.process->confinement->keep_runtime_directory; }},

    {"cgroup", "memory-max", "\"1G\"", "", [](const Unit& u) { return u.cgroup->memory_max == 1u << 30; }},
    {"cgroup", "memory-high", "4096", "", [](const Unit& u) { return u.cgroup->memory_high == 4096u; }},
    {"cgroup", "memory-swap-max", "0", "", [](const Unit& u) { return u.cgroup->memory_swap_max == 0u; }},
    {"cgroup", "cpu-max", "\"150%\"", "", [](const Unit& u) { return u.cgroup->cpu_max_percent == 150u; }},
    {"cgroup", "cpu-weight", "50", "", [](const Unit& u) { return u.cgroup->cpu_weight == 50u; }},
    {"cgroup", "io-weight", "50", "", [](const Unit& u) { return u.cgroup->io_weight == 50u; }},
    {"cgroup", "pids-max", "\"unlimited\"", "", [](const Unit& u) { return u.cgroup->pids_max == ~0ull; }},
    {"cgroup", "delegate", "true", "", [](const Unit& u) { return u.cgroup->delegate; }},

    {"listen", "stream", "\"[::1]:80\"", "", listens<Listen::Kind::stream>},
    {"listen", "datagram", "\"@name\"", "", listens<Listen::Kind::datagram>},
    {"listen", "sequential-packet", "\"/run/x\"", "", listens<Listen::Kind::sequential_packet>},
    {"listen", "fifo", "\"/run/x\"", "", listens<Listen::Kind::fifo>},
    {"listen", "name", "\"web\"", stream, [](const Unit& u) { return u.listen[0].name == "web"; }},
    {"listen", "mode", "\"0660\"", stream, [](const Unit& u) { return u.listen[0].mode == 0660u; }},
    {"listen", "user", "\"www\"", stream, [](const Unit& u) { return u.listen[0].user == "www"; }},
    {"listen", "group", "\"www\"", stream, [](const Unit& u) { return u.listen[0].group == "www"; }},
    {"listen", "backlog", "5", port, [](const Unit& u) { return u.listen[0].backlog == 5; }},
    {"listen", "reuse-port", "true", port, [](const Unit& u) { return u.listen[0].reuse_port; }},
    {"listen", "accept", "true", port, [](const Unit& u) { return u.listen[0].accept; }},
    {"listen", "max-connections", "5", "accept = true\nstream = \"127.0.0.1:80\"\n",
     [](const Unit& u) { return u.listen[0].max_connections == 5; }},

    {"timer", "every", "\"1h\"", "", [](const Unit& u) { return u.timer->every == 1h; }},
    {"timer", "calendar", "\"Mon..Fri *-*-* 04:00\"", "",
     [](const Unit& u) { return u.timer->calendar.size() == 1 && u.timer->calendar[0].weekdays == 0x1f; }},
    {"timer", "after-boot", "\"1min\"", "", [](const Unit& u) { return u.timer->after_boot == 1min; }},
    {"timer", "jitter", "\"1s\"", "every = \"1d\"\n", [](const Unit& u) { return u.timer->jitter == 1s; }},
    {"timer", "persistent", "true", "every = \"1d\"\n", [](const Unit& u) { return u.timer->persistent; }},

    {"await", "device", "[\"/dev/ttyUSB0\", \"/sys/class/net/eth0/\"]", "",
     [](const Unit& u) {
         return u.await->things == std::vector<core::Awaited>{{core::Awaited::Kind::device, "/dev/ttyUSB0"},
                                                              {core::Awaited::Kind::device, "/sys/class/net/eth0"}};
     }},
    {"await", "interface", "\"eth0\"", "", awaits<core::Awaited::Kind::interface>},
    {"await", "address", "[\"any\", \"192.0.2.7\", \"2001:db8::1\"]", "",
     [](const Unit& u) { return u.await->things.size() == 3 && u.await->things[2].name == "2001:db8::1"; }},
    {"await", "mounted", "\"/data\"", "", awaits<core::Awaited::Kind::mounted>},
    {"await", "path", "\"/run/x\"", "", awaits<core::Awaited::Kind::path>},
    {"await", "timeout", "\"30s\"", "path = \"/x\"\n", [](const Unit& u) { return u.await->timeout == 30s; }},
    {"await", "on-loss", "\"stop\"", "path = \"/x\"\n",
     [](const Unit& u) { return u.await->on_loss == core::Await::OnLoss::stop; }},

    {"health", "command", "[\"/bin/ask\", \"it\"]", "",
     [](const Unit& u) {
         return u.health->probe == core::HealthCheck::Probe::command && u.health->command == Words{"/bin/ask", "it"};
     }},
    {"health", "http", "\"http://127.0.0.1:8080/well?yes\"", "",
     [](const Unit& u) { return u.health->command.back() == "http://127.0.0.1:8080/well?yes"; }},
    {"health", "http", "\"unix+http:///run/x:/well\"", "",
     [](const Unit& u) { return u.health->command.back() == "unix+http:///run/x:/well"; }},
    {"health", "tcp", "\"[::1]:80\"", "",
     [](const Unit& u) {
         return u.health->subject == "[::1]:80" && u.health->command == Words{"/sbin/minictl", "check", "--quiet",
                                                                              "--timeout", "3s", "tcp://[::1]:80"};
     }},
    {"health", "unix", "\"/run/x\"", "", [](const Unit& u) { return u.health->command.back() == "unix:/run/x"; }},
    {"health", "log-line", "\"^ready( now)?$\"", "",
     [](const Unit& u) {
         return u.health->probe == core::HealthCheck::Probe::log_line && u.health->subject == "^ready( now)?$";
     }},
    {"health", "interval", "\"10ms\"", "tcp = \"127.0.0.1:1\"\n", [](const Unit& u) { return u.health->interval == 10ms; }},
    {"health", "timeout", "\"1s\"", "tcp = \"127.0.0.1:1\"\n",
     [](const Unit& u) { return u.health->timeout == 1s && u.health->command[4] == "1s"; }},
    {"health", "start-interval", "\"1s\"", "tcp = \"127.0.0.1:1\"\n",
     [](const Unit& u) { return u.health->start_interval == 1s; }},
    {"health", "failures", "5", "tcp = \"127.0.0.1:1\"\n", [](const Unit& u) { return u.health->failures == 5; }},
    {"health", "successes", "2", "tcp = \"127.0.0.1:1\"\n", [](const Unit& u) { return u.health->successes == 2; }},
    {"health", "action", "\"stop\"", "tcp = \"127.0.0.1:1\"\n",
     [](const Unit& u) { return u.health->action == core::HealthCheck::Action::stop; }},

    {"log", "rotate-size", "\"1M\"", "", [](const Unit& u) { return u.log->rotate_size == 1u << 20; }},
    {"log", "rotate-keep", "3", "", [](const Unit& u) { return u.log->rotate_keep == 3u; }},
    {"log", "compress", "false", "", [](const Unit& u) { return u.log->compress == false; }},
    {"log", "rotate-age", "\"1d\"", "", [](const Unit& u) { return u.log->rotate_age == 24h; }},
    {"log", "level", "\"notice\"", "", [](const Unit& u) { return u.log->level == 5; }},
    {"log", "forward", "false", "", [](const Unit& u) { return !u.log->forward; }},
    {"log", "rate-limit", "100", "", [](const Unit& u) { return u.log->rate_limit == core::RateLimit{100, 1}; }},
    {"log", "rate-limit", "\"1000/30s\"", "",
     [](const Unit& u) { return u.log->rate_limit == core::RateLimit{1000, 30}; }},
};

struct ManagerSample {
    std::string_view section, key, value;
    bool (*holds)(const ManagerSettings&);
};
const ManagerSample manager_samples[] = {
    {"manager", "shutdown-timeout", "\"5s\"",
     [](const ManagerSettings& m) { return m.shutdown_timeout == 5s && m.shutdown_timeout_said; }},
    {"manager", "watchdog", "\"5s\"", [](const ManagerSettings& m) { return m.watchdog == 5s; }},
    {"manager", "parallel-starts", "5", [](const ManagerSettings& m) { return m.parallel_starts == 5; }},
    {"manager", "end", "\"isa-debug-exit:0xf4\"",
     [](const ManagerSettings& m) { return m.end == "isa-debug-exit:0xf4"; }},
    {"manager", "power-button", "\"reboot\"", [](const ManagerSettings& m) { return m.power_button == "reboot"; }},
    {"manager", "sleep-button", "\"nap\"", [](const ManagerSettings& m) { return m.sleep_button == "nap"; }},
    {"manager", "crash-limit", "5", [](const ManagerSettings& m) { return m.crash_limit == 5; }},
    {"manager", "boot-attempts", "5", [](const ManagerSettings& m) { return m.boot_attempts == 5; }},
    {"manager", "boot-failure", "\"reboot\"",
     [](const ManagerSettings& m) { return m.boot_failure == core::BootFailure::reboot; }},
    {"manager", "boot-timeout", "\"5min\"", [](const ManagerSettings& m) { return m.boot_timeout == 5min; }},
    {"manager", "boot-good", "\"/bin/mark good\"",
     [](const ManagerSettings& m) { return m.boot_good == core::Command{"/bin/mark", "good"}; }},
    {"manager", "boot-bad", "[\"/bin/mark\", \"not good\"]",
     [](const ManagerSettings& m) { return m.boot_bad == core::Command{"/bin/mark", "not good"}; }},
    {"manager", "systemd-units", "true", [](const ManagerSettings& m) { return m.systemd_units == true; }},
    {"manager", "control-group", "\"wheel\"", [](const ManagerSettings& m) { return m.control_group == "wheel"; }},
    {"manager", "log-level", "\"debug\"", [](const ManagerSettings& m) { return m.log_level == "debug"; }},
    {"manager", "default-target", "\"graphical\"",
     [](const ManagerSettings& m) { return m.default_target == "graphical"; }},
    {"manager", "language", "\"C.UTF-8\"", [](const ManagerSettings& m) { return m.language == "C.UTF-8"; }},
    {"manager", "path", "\"/bin:/sbin\"", [](const ManagerSettings& m) { return m.path == "/bin:/sbin"; }},
    {"log", "rotate-size", "\"1M\"", [](const ManagerSettings& m) { return m.rotate_size == 1 << 20; }},
    {"log", "rotate-keep", "1", [](const ManagerSettings& m) { return m.rotate_keep == 1; }},
    {"log", "compress", "false", [](const ManagerSettings& m) { return !m.compress; }},
    {"log", "rotate-age", "\"1d\"", [](const ManagerSettings& m) { return m.rotate_age == 24h; }},
    {"log", "total-size", "\"1G\"", [](const ManagerSettings& m) { return m.total_size == 1 << 30; }},
    {"log", "level", "\"err\"", [](const ManagerSettings& m) { return m.log_keep_level == 3; }},
    {"log", "rate-limit", "7", [](const ManagerSettings& m) { return m.rate_limit == core::RateLimit{7, 1}; }},
    {"log", "rate-limit", "\"7/1min\"",
     [](const ManagerSettings& m) { return m.rate_limit == core::RateLimit{7, 60}; }},
    {"log", "console-level", "\"warning\"", [](const ManagerSettings& m) { return m.console_level == 4; }},
    {"log", "console-level", "\"off\"",
     [](const ManagerSettings& m) { return !m.console_level && m.console_level_said; }},
    {"log", "console-format", "\"json\"",
     [](const ManagerSettings& m) { return m.console_format == core::ConsoleFormat::json; }},
    {"log", "syslog", "false", [](const ManagerSettings& m) { return !m.syslog; }},
    {"log", "syslog-socket", "\"/run/log.socket\"",
     [](const ManagerSettings& m) { return m.syslog_socket == "/run/log.socket"; }},
    {"log", "forward", "\"udp://log.example:514\"",
     [](const ManagerSettings& m) { return m.forward == Words{"udp://log.example:514"}; }},
    {"log", "forward-queue", "\"4M\"", [](const ManagerSettings& m) { return m.forward_queue == 4u << 20; }},
    {"log", "kernel", "false", [](const ManagerSettings& m) { return !m.kernel; }},
    {"defaults", "environment", "{ A = \"b\" }", [](const ManagerSettings& m) { return m.environment.size() == 1; }},
    {"defaults", "pass-environment", "[\"*\"]",
     [](const ManagerSettings& m) { return m.pass_environment == Words{"*"}; }},
    {"defaults", "limits", "{ core = 0 }", [](const ManagerSettings& m) { return m.limits.size() == 1; }},
};

std::string header(std::string_view section) {
    return section == "listen" ? "[[listen]]\n" : "[" + std::string(section) + "]\n";
}

// A unit named t that has the sample, and whatever makes it valid.
Loaded read(const Sample& sample) {
    std::string line = std::string(sample.key) + " = " + std::string(sample.value) + "\n";
    bool own_command = sample.section == "service" && (sample.key == "command" || sample.key == "script");
    std::string service = std::string("[service]\n") + (own_command ? "" : "command = [\"/x\"]\n");
    std::string text;
    if (sample.section.empty())
        text = line + service;
    else if (sample.section == "service")
        text = service + line + std::string(sample.rest);
    else
        text = (sample.section == "target" ? "" : service) + header(sample.section) + line + std::string(sample.rest);
    // The same tables below [units.t].
    std::string bundle = "[units.t]\n";
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = text.find('\n', at) + 1;
        std::string each = text.substr(at, end - at);
        if (each.starts_with('['))
            each.insert(each.find_first_not_of('['), "units.t.");
        bundle += each;
        at = end;
    }
    return read_bundle(bundle, "t.toml");
}

} // namespace

TEST_CASE("every key is described, has a sample here, and reads it into its member") {
    for (const KeyInfo& key : unit_keys()) {
        CAPTURE(key.section);
        CAPTURE(key.key);
        CHECK_FALSE(key.help.empty());
        CHECK_FALSE(key.help.ends_with('.'));
        CHECK_FALSE(key.type.empty());
        auto sample = std::find_if(std::begin(samples), std::end(samples), [&](const Sample& each) {
            return each.section == key.section && each.key == key.key;
        });
        REQUIRE(sample != std::end(samples));
        Loaded loaded = read(*sample);
        REQUIRE(loaded.units.size() == 1);
        CHECK(loaded.units[0].fault == "");
        CHECK(sample->holds(loaded.units[0]));
    }
}

TEST_CASE("every key of miniinit.toml is described and reads into its member") {
    for (const KeyInfo& key : manager_keys()) {
        CAPTURE(key.section);
        CAPTURE(key.key);
        CHECK_FALSE(key.help.empty());
        auto sample =
            std::find_if(std::begin(manager_samples), std::end(manager_samples),
                         [&](const ManagerSample& each) { return each.section == key.section && each.key == key.key; });
        REQUIRE(sample != std::end(manager_samples));
        Loaded loaded =
            read_bundle(header(key.section) + std::string(key.key) + " = " + std::string(sample->value), "t.toml");
        CHECK(loaded.problems.empty());
        CHECK(sample->holds(loaded.manager));
    }
}

TEST_CASE("a key that can be written in several ways is read in each of them") {
    for (const Sample& sample : samples) {
        CAPTURE(sample.key);
        CAPTURE(sample.value);
        Loaded loaded = read(sample);
        REQUIRE(loaded.units.size() == 1);
        CHECK(loaded.units[0].fault == "");
        CHECK(sample.holds(loaded.units[0]));
    }
    for (const ManagerSample& sample : manager_samples) {
        CAPTURE(sample.key);
        CAPTURE(sample.value);
        Loaded loaded =
            read_bundle(header(sample.section) + std::string(sample.key) + " = " + std::string(sample.value), "t.toml");
        CHECK(loaded.problems.empty());
        CHECK(sample.holds(loaded.manager));
    }
}

TEST_CASE("no key is described twice, and sections stand together") {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    std::set<std::string_view> sections;
    std::string_view last = "?";
    for (const KeyInfo& key : unit_keys()) {
        CHECK(seen.emplace(key.section, key.key).second);
        if (key.section != last)
            CHECK(sections.insert(key.section).second);
        last = key.section;
    }
    CHECK(section_of(unit_keys(), "nonsense").empty());
    CHECK(section_of(unit_keys(), "timer").size() == 5);
}

TEST_CASE("the defaults described are those of the structures") {
    Loaded loaded = read_bundle(
        "[units.t.service]\ncommand = [\"/x\"]\n[units.o.service]\ntype = \"oneshot\"\ncommand = [\"/x\"]\n", "t");
    CHECK(loaded.units[0].name == "o");
    CHECK(loaded.units[0].service.restart == core::RestartPolicy::no);
    for (const KeyInfo& key : unit_keys()) {
        if (key.fallback.empty() || key.section != "service" || key.key == "watchdog" || key.key == "ready-fd")
            continue;
        CAPTURE(key.key);
        Loaded said = read_bundle("[units.t.service]\ncommand = [\"/x\"]\n" + std::string(key.key) + " = " +
                                      std::string(key.fallback) + "\n",
                                  "t");
        REQUIRE(said.problems.empty());
        const core::Service &a = said.units[0].service, &b = loaded.units[1].service;
        CHECK(a.type == b.type);
        CHECK(a.restart == b.restart);
        CHECK(a.restart_limit_action == b.restart_limit_action);
        CHECK(a.kill_mode == b.kill_mode);
        CHECK(a.exit_action == b.exit_action);
        CHECK(a.notify_access == b.notify_access);
        CHECK(a.restart_limit == b.restart_limit);
        CHECK(a.stop_signal == b.stop_signal);
        CHECK(a.reload_signal == b.reload_signal);
        CHECK(a.restart_delay == b.restart_delay);
        CHECK(a.restart_delay_max == b.restart_delay_max);
        CHECK(a.start_timeout == b.start_timeout);
        CHECK(a.stop_timeout == b.stop_timeout);
    }
    ManagerSettings defaults;
    for (const KeyInfo& key : manager_keys()) {
        if (key.fallback.empty())
            continue;
        CAPTURE(key.key);
        Loaded said = read_bundle(header(key.section) + std::string(key.key) + " = " + std::string(key.fallback), "t");
        REQUIRE(said.problems.empty());
        CHECK(said.manager.shutdown_timeout == defaults.shutdown_timeout);
        CHECK(said.manager.boot_attempts == defaults.boot_attempts);
        CHECK(said.manager.log_level == defaults.log_level);
        CHECK(said.manager.default_target == defaults.default_target);
        CHECK(said.manager.path == defaults.path);
        CHECK(said.manager.rotate_size == defaults.rotate_size);
        CHECK(said.manager.rotate_keep == defaults.rotate_keep);
        CHECK(said.manager.compress == defaults.compress);
        CHECK(said.manager.total_size == defaults.total_size);
    }
}

TEST_CASE("a condition is negated by a ! before its value or before its key") {
    Loaded loaded =
        read_bundle("[units.t.service]\ncommand = [\"/x\"]\n[units.t.condition]\npath-exists = [\"/a\", \"!/b\"]\n"
                    "\"!container\" = true\n\"!capability\" = \"!CAP_KILL\"\n",
                    "t");
    REQUIRE(loaded.problems.empty());
    auto all = loaded.units[0].conditions;
    std::sort(all.begin(), all.end(),
              [](auto& a, auto& b) { return a.kind != b.kind ? a.kind < b.kind : a.argument < b.argument; });
    using Kind = Condition::Kind;
    CHECK(all == std::vector<Condition>{{Kind::path_exists, false, "/a"},
                                        {Kind::path_exists, true, "/b"},
                                        {Kind::container, true, "true"},
                                        {Kind::capability, false, "CAP_KILL"}});
}

TEST_CASE("a longer first restart delay takes its maximum along") {
    Loaded loaded = read_bundle("[units.t.service]\ncommand = [\"/x\"]\nrestart-delay = \"1min\"\n", "t");
    CHECK(loaded.units[0].service.restart_delay_max == 1min);
    CHECK(loaded.problems.empty());
}

} // namespace mi::config
