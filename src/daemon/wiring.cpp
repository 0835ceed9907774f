#include "daemon/wiring.hpp"

#include "daemon/control/control.hpp"
#include "daemon/parts.hpp"

namespace mi::daemon {

void Wiring::settings_read() {
    if (parts_.guard != nullptr)
        parts_.guard->page().limit = parts_.settings.crash_limit;
}

void Wiring::end_for_another_root(bool keep) {
    parts_.schedule.keep_quiet(); // no user is logged in to an initramfs, and the machine goes on
    parts_.shutdown.begin(core::Ending::switch_root, 0, keep, parts_.succession.soft() ? "soft reboot" : "");
}

void Wiring::flush_answers() {
    if (parts_.control)
        parts_.control->flush();
}

void Wiring::shutdown_begins(std::string_view what) {
    parts_.schedule.end_begins(what);
    parts_.reachability.shutdown_begins();
    parts_.parent_notify.tell_stopping();
}

void Wiring::shutdown_is_over() {
    flush_answers();
    parts_.reachability.remove_syslog();
    clear_transient(parts_.context.place, parts_.succession.names_kept());
}

void Wiring::check_notify_sockets(bool closely) {
    for (const Notify::Trouble& trouble : parts_.notify.remake_sockets(closely))
        parts_.reachability.trouble(trouble.why, trouble.consequence);
}

Instant Wiring::check_unit_sockets(os::PathWatch& paths) { return parts_.activation.look_after(paths); }

void Wiring::watch_unit_sockets(os::PathWatch& paths) { parts_.activation.watch_new(paths); }

void Wiring::reload() {
    parts_.reachability.check(true);
    parts_.systemd_units.refresh([this] {
        const UnitFiles::Reread units = parts_.unit_files.reread();
        for (const auto* list : {&parts_.systemd_units.problems(), &units.problems})
            for (const std::string& problem : *list)
                parts_.context.say(Priority::warning, problem);
        parts_.context.say(Priority::info, "units read again: " + std::to_string(units.added.size()) + " added, " +
                                               std::to_string(units.changed.size()) + " changed, " +
                                               std::to_string(units.removed.size()) + " removed");
    });
}

pid_t Wiring::main_on_its_way(core::UnitId unit) const {
    return parts_.starter.pending().pid_of(unit, core::Role::main);
}

void Wiring::reap() { parts_.turn.reap(); }

void Wiring::hear(core::UnitId unit) { parts_.notify.hear_all(unit); }

} // namespace mi::daemon
