#include "daemon/wiring.hpp"

#include "daemon/parts.hpp"

namespace mi::daemon {

void Wiring::settings_read() {
    if (parts_.guard != nullptr)
        parts_.guard->page().limit = parts_.settings.crash_limit;
}

void Wiring::end_for_another_root(bool keep) {
    parts_.machine.schedule.keep_quiet(); // no user is logged in to an initramfs, and the machine goes on
    parts_.machine.shutdown.begin(core::Ending::switch_root, 0, keep,
                                  parts_.recovery.succession.soft() ? "soft reboot" : "");
}

void Wiring::flush_answers() {
    if (parts_.control)
        parts_.control->flush();
}

void Wiring::shutdown_begins(std::string_view what) {
    parts_.machine.schedule.end_begins(what);
    parts_.machine.reachability.shutdown_begins();
    parts_.machine.parent_notify.tell_stopping();
}

void Wiring::shutdown_is_over() {
    flush_answers();
    parts_.machine.reachability.remove_syslog();
    clear_transient(parts_.context.place, parts_.recovery.succession.names_kept());
}

void Wiring::check_notify_sockets(bool closely) {
    for (const Notify::Trouble& trouble : parts_.run.notify.remake_sockets(closely))
        parts_.machine.reachability.trouble(trouble.why, trouble.consequence);
}

Instant Wiring::check_unit_sockets(os::PathWatch& paths) { return parts_.run.activation.look_after(paths); }

void Wiring::watch_unit_sockets(os::PathWatch& paths) { parts_.run.activation.watch_new(paths); }

void Wiring::reload() {
    parts_.machine.reachability.check(true);
    parts_.catalog.systemd.refresh([this] {
        const UnitFiles::Reread units = parts_.catalog.files.reread();
        for (const auto* list : {&parts_.catalog.systemd.problems(), &units.problems})
            for (const std::string& problem : *list)
                parts_.context.say(Priority::warning, problem);
        parts_.context.say(Priority::info, "units read again: " + std::to_string(units.added.size()) + " added, " +
                                               std::to_string(units.changed.size()) + " changed, " +
                                               std::to_string(units.removed.size()) + " removed");
    });
}

pid_t Wiring::main_on_its_way(core::UnitId unit) const {
    return parts_.run.starter.pending().pid_of(unit, core::Role::main);
}

void Wiring::reap() { parts_.turn.reap(); }

void Wiring::hear(core::UnitId unit) { parts_.run.notify.hear_all(unit); }

} // namespace mi::daemon
