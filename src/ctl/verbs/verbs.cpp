#include "ctl/verbs/verbs.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace mi::ctl {

namespace {

constexpr std::string_view looking = "Looking", acting = "Acting", configuring = "Configuring", boot = "Boot",
                           machine = "Machine";

constexpr Verb table[] = {
    {looking, "list", "", "the units that are not down", "minictl list --failed",
     takes_all | takes_failed | takes_timers, 0, 0, list_units},
    {looking, "status", "[UNIT…]", "all about units and their last log lines; without UNIT, about the manager",
     "minictl status sshd", takes_lines, 0, any_number, show_status},
    {looking, "tree", "[UNIT]", "what a unit (default: the target) depends on", "minictl tree --reverse network",
     takes_reverse, 0, 1, show_tree},
    {looking, "explain", "UNIT", "why a unit is up, or is not, down to the root cause", "minictl explain web", 0, 1, 1,
     explain_unit},
    {looking, "show", "UNIT", "every setting of a unit and where it comes from", "minictl show web", takes_source, 1, 1,
     show_settings},
    {looking, "cat", "UNIT…", "the files of units", "minictl cat web", takes_source, 1, any_number, show_files},
    {looking, "logs", "[UNIT…]", "the logs of units (`*` and `?` match many; none: all), in the order of time",
     "minictl logs -f web", takes_logs, 0, any_number, show_logs},
    {looking, "top", "", "what units use and do, kept up to date", "minictl top --sort memory", takes_all | takes_top,
     0, 0, show_top},
    {looking, "events", "[UNIT…]", "what happens, as it happens", "minictl events --json | jq .unit", 0, 0, any_number,
     watch_events},
    {looking, "probe", "", "what this system offers, and what is done without", "minictl probe", 0, 0, 0, probe_system},
    {looking, "version", "", "the version of minictl and of the running init", "minictl version", 0, 0, 0,
     show_version},
    {looking, "help", "[VERB]", "what a verb does, and its options", "minictl help run", 0, 0, 1, show_help},
    {acting, "start", "UNIT…", "start units and what they need", "minictl start web cache", takes_no_wait | takes_lines,
     1, any_number, start_units},
    {acting, "stop", "UNIT…", "stop units and what needs them", "minictl stop web", takes_no_wait | takes_lines, 1,
     any_number, stop_units},
    {acting, "restart", "UNIT…", "stop units, if they run, and start them", "minictl restart web",
     takes_no_wait | takes_lines, 1, any_number, restart_units},
    {acting, "try-restart", "UNIT…", "restart those of the units that run", "minictl try-restart web",
     takes_no_wait | takes_lines, 1, any_number, try_restart_units},
    {acting, "reload", "UNIT…", "have services read their settings again", "minictl reload web",
     takes_no_wait | takes_lines, 1, any_number, reload_services},
    {acting, "signal", "SIGNAL UNIT", "send a signal to the main process (--all: to every one)",
     "minictl signal USR1 web", takes_every, 2, 2, signal_unit},
    {acting, "freeze", "UNIT…", "let no process of services run until thawed", "minictl freeze web", 0, 1, any_number,
     freeze_units},
    {acting, "thaw", "UNIT…", "let frozen services run on", "minictl thaw web", 0, 1, any_number, thaw_units},
    {acting, "reset", "[UNIT…]", "forget failures, so that units are tried again", "minictl reset web", 0, 0,
     any_number, reset_units},
    {acting, "wait", "UNIT", "wait until a unit is in a state", "minictl wait web --for up --timeout 30s",
     takes_state | takes_timeout, 1, 1, wait_for},
    {acting, "target", "NAME", "stop what the target does not need, start what it does", "minictl target rescue",
     takes_no_wait | takes_lines, 1, 1, go_to_target},
    {acting, "run", "[--] COMMAND…", "run a command as a unit that outlives this terminal",
     "minictl run --property cgroup.memory-max=1G -- make -j4", takes_run, 1, any_number, run_command},
    {configuring, "edit", "UNIT", "write settings that go over those of a unit, with an editor", "minictl edit web",
     takes_source | takes_full, 1, 1, edit_unit},
    {configuring, "mask", "UNIT…", "make units impossible to start", "minictl mask --root /mnt swap", takes_source, 1,
     any_number, mask_units},
    {configuring, "unmask", "UNIT…", "take such a mask away", "minictl unmask swap", takes_source, 1, any_number,
     unmask_units},
    {configuring, "enable", "UNIT…", "have units started at boot", "minictl enable web", takes_source, 1, any_number,
     enable_units},
    {configuring, "disable", "UNIT…", "do not start units at boot", "minictl disable --root /mnt web", takes_source, 1,
     any_number, disable_units},
    {configuring, "reload-units", "", "read the unit files again; what runs goes on", "minictl reload-units", 0, 0, 0,
     reload_unit_files},
    {configuring, "keys", "[SECTION]", "every key that a unit can have", "minictl keys service", 0, 0, 1, show_keys},
    {configuring, "verify", "[FILE|UNIT…]", "name every problem of unit files (none named: of all)",
     "minictl verify web.toml", takes_source | takes_calendar, 0, any_number, verify_files},
    {configuring, "convert", "FILE|UNIT…", "make units of systemd's unit files and of init scripts",
     "minictl convert --output /etc/miniinit ssh.service cron.service", takes_convert, 1, any_number, convert_files},
    {configuring, "completion", "SHELL", "a script that has bash, zsh or fish complete our verbs, options and units",
     "minictl completion bash > /usr/share/bash-completion/completions/minictl", 0, 1, any_number, show_completion},
    {boot, "times", "", "how long the kernel, the init and each unit took to start", "minictl times", 0, 0, 0,
     show_times},
    {boot, "blame", "", "which units took longest to come up", "minictl blame | head", 0, 0, 0, show_blame},
    {boot, "critical-chain", "[UNIT]", "what a unit (default: the target) waited for, one after the other",
     "minictl critical-chain sshd", 0, 0, 1, show_chain},
    {boot, "plot", "", "a chart of the boot, an SVG for a browser", "minictl plot > boot.svg", takes_trace, 0, 0,
     show_plot},
    {boot, "graph", "", "the units and what they need of each other, for Graphviz",
     "minictl graph --from web | dot -Tsvg > web.svg", takes_all | takes_graph, 0, 0, show_graph},
    {machine, "poweroff", "", "stop everything in order and switch off", "minictl poweroff", takes_end, 0, 0,
     power_off},
    {machine, "reboot", "", "stop everything in order and start anew", "minictl reboot", takes_end, 0, 0,
     reboot_machine},
    {machine, "halt", "", "stop everything in order and stay", "minictl halt", takes_end, 0, 0, halt_machine},
    {machine, "kexec", "", "stop everything in order and go on with the kernel that `kexec -l` has loaded",
     "minictl kexec", takes_end, 0, 0, kexec_machine},
    {machine, "shutdown", "[TIME [MESSAGE…]]", "any of these at a time: now, +MINUTES or HH:MM (+1)",
     "minictl shutdown -r +5 new kernel", takes_shutdown, 0, any_number, shut_down},
    {machine, "switch-root", "DIR [INIT]", "out of an initramfs: go on with the root file system at DIR",
     "minictl switch-root /sysroot", 0, 1, 2, switch_root},
    {machine, "reexec", "", "execute the init anew from its file; what runs goes on", "minictl reexec", 0, 0, 0,
     reexecute},
    {machine, "healthcheck", "[UNIT…]", "exit 0 when all is well: for HEALTHCHECK and probes",
     "minictl healthcheck web", 0, 0, any_number, check_health},
};

} // namespace

std::span<const Verb> verbs() { return table; }

const Verb* verb_named(std::string_view name) {
    const auto at = std::ranges::find(table, name, &Verb::name);
    return at == std::end(table) ? fault_verb(name) : at;
}

std::string no_such_verb(std::string_view name) {
    std::vector<std::string_view> names;
    for (const Verb& verb : table)
        names.push_back(verb.name);
    const std::string_view near = nearest(name, names);
    return "there is no verb \"" + harmless(name) + "\"" +
           (near.empty() ? "" : " (did you mean " + std::string(near) + "?)") + "\n(`minictl --help` names them)";
}

} // namespace mi::ctl
