#include "convert/names.hpp"

#include "base/unreachable.hpp"
#include "config/load.hpp"
#include "convert/specifiers.hpp"
#include "convert/values.hpp"

#include <algorithm>
#include <cctype>

namespace mi::convert {

namespace {

constexpr std::string_view logging = "logging is built in";
constexpr std::string_view at_shutdown = "everything is stopped at shutdown anyway, in reverse order";
constexpr std::string_view bound_early = "sockets are bound before anything starts, and timers armed";
constexpr std::string_view no_marker = "nothing here waits for it";
constexpr std::string_view devices = "no device starts or stops units";
constexpr std::string_view sleep_states = "miniinit does not put machines to sleep";
constexpr std::string_view splash = "there is no boot splash";
constexpr std::string_view own_groups = "every service has a cgroup of its own";

// The directives for which the `ours` of a row is used.
enum class Use : std::uint8_t { always, after, before, install };

struct Row {
    std::string_view theirs; // names, with blanks between them
    std::string_view ours;   // empty: there is no equal
    Use use;                 // for other directives there is no equal
    bool order_only;         // a service waits for it, but does not pull it in
    Weight without;          // the loss for a directive that would start the unit
    std::string_view why;
};

constexpr Row rows[] = {
    {"network.target", "network", Use::always, false, Weight::note, ""},
    {"network-online.target systemd-networkd-wait-online.service NetworkManager-wait-online.service "
     "ifupdown-wait-online.service",
     "network-online", Use::always, false, Weight::note, ""},
    {"network-pre.target", "network", Use::before, true, Weight::note, no_marker},
    {"nss-lookup.target", "network", Use::after, true, Weight::note, no_marker},
    {"nss-user-lookup.target remote-cryptsetup.target cryptsetup.target cryptsetup-pre.target veritysetup.target "
     "integritysetup.target boot-complete.target first-boot-complete.target system-update.target "
     "system-update-pre.target systemd-machine-id-commit.service systemd-firstboot.service "
     "systemd-update-utmp-runlevel.service ldconfig.service machines.target",
     "", Use::always, true, Weight::note, no_marker},
    {"systemd-update-utmp.service", "boot-records", Use::always, true, Weight::note, ""},
    {"kmod-static-nodes.service", "static-nodes", Use::always, true, Weight::note, ""},
    {"systemd-user-sessions.service", "logins", Use::always, true, Weight::note, ""},
    {"sysinit.target", "sysinit", Use::always, true, Weight::note, ""},
    {"basic.target", "basic", Use::always, true, Weight::note, ""},
    {"multi-user.target", "multi-user", Use::always, false, Weight::note, ""},
    {"graphical.target", "graphical", Use::always, false, Weight::note, ""},
    {"default.target", "default", Use::always, false, Weight::note, ""},
    {"rescue.target", "rescue", Use::always, false, Weight::note, ""},
    {"emergency.target", "emergency", Use::always, false, Weight::note, ""},
    {"local-fs.target local-fs-pre.target systemd-fsck@.service", "mounts", Use::always, true, Weight::note, ""},
    {"remote-fs.target remote-fs-pre.target", "network-mounts", Use::always, true, Weight::note, ""},
    {"swap.target", "swap", Use::always, true, Weight::note, ""},
    {"time-sync.target time-set.target", "clock", Use::after, true, Weight::note, no_marker},
    {"sockets.target timers.target paths.target getty.target", "multi-user", Use::install, false, Weight::note,
     bound_early},
    {"syslog.target syslog.socket syslog.service systemd-journald.service systemd-journald.socket "
     "systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journal-flush.service",
     "", Use::always, true, Weight::note, logging},
    {"shutdown.target umount.target final.target exit.target halt.target poweroff.target reboot.target "
     "kexec.target soft-reboot.target systemd-poweroff.service systemd-reboot.service systemd-halt.service",
     "", Use::always, true, Weight::lost, at_shutdown},
    {"sleep.target suspend.target hibernate.target hybrid-sleep.target suspend-then-hibernate.target", "", Use::always,
     true, Weight::lost, sleep_states},
    {"bluetooth.target sound.target printer.target smartcard.target usb-gadget.target", "", Use::always, true,
     Weight::lost, devices},
    {"plymouth-start.service plymouth-quit.service plymouth-quit-wait.service plymouth-read-write.service "
     "plymouth-poweroff.service plymouth-reboot.service systemd-ask-password-plymouth.path",
     "", Use::always, true, Weight::note, splash},
    {"systemd-ask-password-console.path systemd-ask-password-wall.path systemd-ask-password-console.service "
     "systemd-ask-password-wall.service",
     "", Use::always, true, Weight::lost, "nobody passes on questions for passwords"},
    {"systemd-udevd.service udev.service systemd-udevd-control.socket systemd-udevd-kernel.socket", "udev", Use::always,
     true, Weight::note, ""},
    {"systemd-udev-trigger.service systemd-udev-settle.service", "udev-trigger", Use::always, true, Weight::note, ""},
    {"systemd-sysctl.service procps.service", "sysctl", Use::always, true, Weight::note, ""},
    {"systemd-modules-load.service kmod.service", "modules", Use::always, true, Weight::note, ""},
    {"systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-sysusers.service", "tmpfiles",
     Use::always, true, Weight::note, ""},
    {"systemd-remount-fs.service", "root-remount", Use::always, true, Weight::note, ""},
    {"systemd-fsck-root.service", "fsck-root", Use::always, true, Weight::note, ""},
    {"systemd-random-seed.service", "random-seed", Use::always, true, Weight::note, ""},
    {"networking.service", "network-interfaces", Use::always, true, Weight::note, ""},
    {"user.slice system.slice machine.slice -.slice init.scope", "", Use::always, true, Weight::note, own_groups},
    {"-.mount", "", Use::always, true, Weight::note, "the root file system is there"},
};

// What is never converted with all others, besides the names in `rows`: our getty@ has the logins, the rest is done by init
// scripts of sysvinit or in an initramfs.
constexpr std::string_view left_out =
    "getty@.service autovt@.service serial-getty@.service console-getty.service container-getty@.service "
    "getty-static.service getty-pre.target user@.service user-runtime-dir@.service debug-shell.service "
    "emergency.service rescue.service rc.service rcS.service rc-local.service rc.local.service ctrl-alt-del.target "
    "sigpwr.target slices.target factory-reset.target blockdev@.target rpcbind.target remote-veritysetup.target "
    "veritysetup-pre.target integritysetup-pre.target kmod-static-nodes.service quotaon.service "
    "system-update-cleanup.service hwclock.service hwclock-save.service hostname.service bootlogs.service "
    "bootmisc.service checkfs.service checkroot.service checkroot-bootclean.service halt.service killprocs.service "
    "mountall.service mountall-bootclean.service mountdevsubfs.service mountkernfs.service mountnfs.service "
    "mountnfs-bootclean.service reboot.service rmnologin.service sendsigs.service single.service umountfs.service "
    "umountnfs.service umountroot.service urandom.service eudev.service skeleton.service README.service";
// Of systemd's own services those that work without it as PID 1.
constexpr std::string_view works_alone =
    "systemd-networkd.service systemd-networkd.socket systemd-resolved.service systemd-timesyncd.service "
    "systemd-time-wait-sync.service systemd-hostnamed.service systemd-localed.service systemd-timedated.service "
    "systemd-binfmt.service systemd-pstore.service systemd-tmpfiles-clean.service systemd-tmpfiles-clean.timer";

// The order of the shipped units: `name` starts after each of `after`. units/*.toml say the same.
struct Order {
    std::string_view name, after; // names, with blanks between them
};
constexpr std::string_view of_sysinit =
    "boot-records static-nodes mounts root-remount fsck fsck-root swap clock hostname mdev eudev udev "
    "udev-trigger modules random-seed sysctl tmpfiles";
constexpr Order orders[] = {
    {"sysinit", of_sysinit},
    {"basic", "sysinit"},
    {"network", "sysinit loopback network-interfaces"},
    {"network-interfaces", "sysinit loopback"},
    {"loopback", "sysinit"},
    {"network-mounts", "mounts network"},
    {"network-online", "network network-wait"},
    {"network-wait", "network network-leases"},
    {"network-address", "network"},
    {"network-leases", "network-interfaces"},
    {"logins", "basic"},
    {"boot-records", "mounts tmpfiles clock"},
    {"rc-local", "basic network"},
    {"multi-user", "basic network network-mounts network-leases logins rc-local"},
    {"default", "multi-user"},
    {"runlevel2", "multi-user"},
    {"runlevel3", "multi-user"},
    {"runlevel4", "multi-user"},
    {"graphical", "multi-user"},
    {"runlevel5", "graphical"},
    {"rescue", "sysinit"},
    {"runlevel1", "rescue"},
    {"mounts", "root-remount fsck"},
    {"fsck", "root-remount"},
    {"root-remount", "fsck-root"},
    {"fsck-root", "udev-trigger mdev"},
    {"swap", "mounts"},
    {"clock", "udev-trigger mdev root-remount"},
    {"hostname", "mounts"},
    {"random-seed", "mounts"},
    {"tmpfiles", "mounts"},
    {"udev-trigger", "udev eudev"},
    {"udev", "modules static-nodes"},
    {"eudev", "modules static-nodes"},
    {"mdev", "modules static-nodes"},
    {"sysctl", "modules"},
};

// True if the `ours` of a row is for this kind of directive.
bool applies(Use use, Naming naming) {
    switch (use) {
    case Use::always: return true;
    case Use::after: return naming == Naming::after;
    case Use::before: return naming == Naming::before;
    case Use::install: return naming == Naming::from_install;
    }
    unreachable("there is no other use of a name");
}

// Translates units of kinds that do not exist here.
Named by_suffix(std::string_view suffix, Naming naming) {
    const bool waits = naming == Naming::after || naming == Naming::pulled_in;
    const Weight weight =
        naming == Naming::after || naming == Naming::before || naming == Naming::conflict ? Weight::note : Weight::lost;
    if (is_one_of(suffix, ".mount .automount"))
        return waits ? Named{"mounts", Weight::note, "", true}
                     : Named{"", weight, "the file systems of /etc/fstab are mounted as one"};
    if (suffix == ".swap")
        return waits ? Named{"swap", Weight::note, "", true} : Named{"", weight, "swap space is used by sysinit"};
    if (suffix == ".device" && weight == Weight::note)
        return {"", Weight::near, "devices that are there at boot are there before basic; others are not waited for"};
    if (suffix == ".slice")
        return {"", Weight::note, own_groups};
    return {"", weight,
            suffix == ".device" ? devices
            : suffix == ".path" ? "there are no units that watch paths"
                                : "there is no such kind of unit"};
}

} // namespace

std::string own_name(std::string_view unit, bool placeholders) {
    const std::string name = unescape_name(unit.substr(0, unit.rfind('.')), false);
    if (placeholders && name.find("${instance-path}") != name.npos)
        return {}; // a name has no '/'
    std::string own;
    for (std::size_t at = 0; at < name.size(); at += own.size() - at) {
        const std::string_view rest = std::string_view(name).substr(at);
        std::string_view kept; // a placeholder, which stays as it is
        for (std::string_view placeholder : {"${instance}", "${name}"})
            if (placeholders && (at == 0 || name[at - 1] != '$') && rest.starts_with(placeholder))
                kept = placeholder;
        const bool known = std::isalnum(static_cast<unsigned char>(rest[0])) != 0 ||
                           std::string_view("_.@:-").find(rest[0]) != rest.npos;
        own += !kept.empty() ? kept : known ? rest.substr(0, 1) : "_";
    }
    std::string tried = own; // the name with something in place of the placeholders
    std::ranges::replace_if(tried, [](char letter) { return is_one_of({&letter, 1}, "$ { }"); }, 'x');
    return config::name_fault(tried).empty() ? own : std::string();
}

Named named(std::string_view unit, Naming naming, bool placeholders) {
    const std::string_view suffix = unit.substr(std::min(unit.rfind('.'), unit.size()));
    for (const Row& row : rows) {
        if (!is_one_of(unit, row.theirs))
            continue;
        if (!row.ours.empty() && naming == Naming::from_install && row.order_only)
            return {std::string(is_one_of(row.ours, of_sysinit) ? "sysinit"
                                : row.ours == "network-mounts"  ? "multi-user"
                                                                : row.ours)};
        if (!row.ours.empty() && applies(row.use, naming))
            return {std::string(row.ours), Weight::note, {}, row.order_only};
        const bool needed =
            naming == Naming::pulled_in || naming == Naming::from_install || naming == Naming::triggered;
        return {"", needed ? row.without : Weight::note,
                row.why.empty() ? "it stands for something that is done by then" : row.why};
    }
    if (!is_one_of(suffix, ".service .target .socket .timer"))
        return by_suffix(suffix, naming);
    std::string name = own_name(unit, placeholders);
    if (name.empty())
        return {"", Weight::lost, "it is no name that a unit can have here"};
    if (name.ends_with('@'))
        return {"", Weight::lost, "a template is no unit: one of its instances has to be named"};
    return {std::move(name)};
}

bool is_done_here(std::string_view unit) {
    const std::size_t at = unit.find('@'), dot = unit.rfind('.');
    if (at < dot && dot != unit.npos && at + 1 < dot)
        return is_done_here(std::string(unit.substr(0, at + 1)) + std::string(unit.substr(dot)));
    return ((unit.starts_with("systemd-") || unit.starts_with("initrd")) && !is_one_of(unit, works_alone)) ||
           is_one_of(unit, left_out) ||
           std::ranges::any_of(rows, [&](const Row& row) { return is_one_of(unit, row.theirs); });
}

std::string_view no_such_kind(std::string_view name) {
    for (std::string_view suffix : {".mount", ".automount", ".swap"})
        if (name.ends_with(suffix))
            return "file systems and swap space are those of /etc/fstab";
    for (std::string_view suffix : {".slice", ".scope"})
        if (name.ends_with(suffix))
            return "cgroups of services stand side by side";
    if (name.ends_with(".device"))
        return "no device starts or stops units";
    return {};
}

bool comes_after(std::string_view name, std::string_view other) {
    for (const Order& order : orders)
        if (order.name == name)
            return is_one_of(other, order.after) ||
                   std::ranges::any_of(blank_separated(order.after),
                                       [&](std::string_view each) { return comes_after(each, other); });
    return false;
}

} // namespace mi::convert
