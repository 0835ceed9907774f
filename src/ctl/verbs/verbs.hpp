// The functions of the verbs; the table in verbs.cpp names them.
#pragma once

#include "ctl/context.hpp"
#include "wire/enums.hpp"

namespace mi::ctl {

int list_units(Context&);
int show_status(Context&);
int are_active(Context&);
int have_failed(Context&);
int show_tree(Context&);
int explain_unit(Context&);
int show_top(Context&);
int watch_events(Context&);
int wait_for(Context&);
int show_times(Context&);
int show_blame(Context&);
int show_chain(Context&);
int show_graph(Context&);
int show_plot(Context&);
int probe_system(Context&);
int show_version(Context&);
int show_logs(Context&);
int show_help(Context&);
int show_help(Context&, const Verb* about); // null: all of them
[[nodiscard]] std::string help_overview();
int check_health(Context&);
int check_addresses(Context&);
int write_utmp_record(Context&);
int show_metrics(Context&);

int start_units(Context&);
int arm_units(Context&); // as a boot would: what a timer or a connection runs only waits for that
int stop_units(Context&);
int restart_units(Context&);
int try_restart_units(Context&);
int reload_services(Context&);
int signal_unit(Context&);
int freeze_units(Context&);
int thaw_units(Context&);
int reset_units(Context&);
int go_to_target(Context&);
int reload_unit_files(Context&);

int show_settings(Context&);
int show_files(Context&);
int verify_files(Context&);
int verify_calendar(Context&);
int convert_files(Context&);
int write_oci_unit(Context&);
int list_files(Context&);
int are_enabled(Context&);
int enable_units(Context&);
int disable_units(Context&);

int run_command(Context&);
int edit_unit(Context&);
int mask_units(Context&);
int unmask_units(Context&);
int show_keys(Context&);
int show_completion(Context&);

int power_off(Context&);
int reboot_machine(Context&);
int halt_machine(Context&);
int kexec_machine(Context&);
int switch_root(Context&);
int soft_reboot(Context&);

// `shutdown` of other inits: `-h now`, `-r +5 MESSAGE`, `-c`.
int shut_down(Context&);

// When to end the machine. With neither: now.
struct EndTime {
    std::optional<std::int64_t> in_seconds, at_realtime;
    bool operator==(const EndTime&) const = default;
};
// "now", "+5" or "5" (minutes), "23:30": the next time that the local clock shows this. `now`: microseconds since 1970.
[[nodiscard]] std::optional<EndTime> end_time_of(std::string_view text, std::int64_t now);

int reexecute(Context&);
// The overview of the init, as soon as it answers; for a moment none answers while another program image takes over.
[[nodiscard]] std::expected<wire::Overview, Failure> overview_of(const Context&);

// `debug-crash`, the verb with which tests make the init fail, if that is the name; null in the shipped program, which
// has no such verb: see daemon/fault_injection.hpp.
[[nodiscard]] const Verb* fault_verb(std::string_view name);

} // namespace mi::ctl
