#include "convert/names.hpp"

#include "base/text.hpp"
#include "config/load.hpp"
#include "convert/specifiers.hpp"

#include <algorithm>

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

// When a row counts.
enum class Use : std::uint8_t { always, after, before, install };

struct Row {
    std::string_view theirs; // names, with blanks around each
    std::string_view ours;   // empty: there is none
    Use use;                 // of `ours`; in other directions there is nothing to name
    bool order_only;         // ours is no milestone of a service's own: it is waited for, not required
    Weight without;          // where there is nothing to name and it was to be pulled in, or by an [Install]
    std::string_view why;
};

constexpr Row rows[] = {
    {" network.target network-online.target systemd-networkd-wait-online.service NetworkManager-wait-online.service "
     "ifupdown-wait-online.service ",
     "network", Use::always, false, Weight::note, ""},
    {" network-pre.target ", "network", Use::before, true, Weight::note, no_marker},
    {" nss-lookup.target ", "network", Use::after, true, Weight::note, no_marker},
    {" nss-user-lookup.target remote-cryptsetup.target cryptsetup.target cryptsetup-pre.target veritysetup.target "
     "integritysetup.target boot-complete.target first-boot-complete.target system-update.target "
     "system-update-pre.target systemd-machine-id-commit.service systemd-firstboot.service "
     "systemd-update-utmp.service systemd-update-utmp-runlevel.service ldconfig.service machines.target ",
     "", Use::always, true, Weight::note, no_marker},
    {" systemd-user-sessions.service ", "", Use::always, true, Weight::note, "logins are not held back"},
    {" sysinit.target ", "sysinit", Use::always, true, Weight::note, ""},
    {" basic.target ", "basic", Use::always, true, Weight::note, ""},
    {" multi-user.target ", "multi-user", Use::always, false, Weight::note, ""},
    {" graphical.target ", "graphical", Use::always, false, Weight::note, ""},
    {" default.target ", "default", Use::always, false, Weight::note, ""},
    {" rescue.target ", "rescue", Use::always, false, Weight::note, ""},
    {" emergency.target ", "emergency", Use::always, false, Weight::note, ""},
    {" local-fs.target local-fs-pre.target systemd-fsck@.service ", "mounts", Use::always, true, Weight::note, ""},
    {" remote-fs.target remote-fs-pre.target ", "network-mounts", Use::always, true, Weight::note, ""},
    {" swap.target ", "swap", Use::always, true, Weight::note, ""},
    {" time-sync.target time-set.target ", "clock", Use::after, true, Weight::note, no_marker},
    {" sockets.target timers.target paths.target getty.target ", "multi-user", Use::install, false, Weight::note,
     bound_early},
    {" syslog.target syslog.socket syslog.service systemd-journald.service systemd-journald.socket "
     "systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journal-flush.service ",
     "", Use::always, true, Weight::note, logging},
    {" shutdown.target umount.target final.target exit.target halt.target poweroff.target reboot.target kexec.target "
     "soft-reboot.target systemd-poweroff.service systemd-reboot.service systemd-halt.service ",
     "", Use::always, true, Weight::lost, at_shutdown},
    {" sleep.target suspend.target hibernate.target hybrid-sleep.target suspend-then-hibernate.target ", "",
     Use::always, true, Weight::lost, sleep_states},
    {" bluetooth.target sound.target printer.target smartcard.target usb-gadget.target ", "", Use::always, true,
     Weight::lost, devices},
    {" plymouth-start.service plymouth-quit.service plymouth-quit-wait.service plymouth-read-write.service "
     "plymouth-poweroff.service plymouth-reboot.service systemd-ask-password-plymouth.path ",
     "", Use::always, true, Weight::note, splash},
    {" systemd-ask-password-console.path systemd-ask-password-wall.path systemd-ask-password-console.service "
     "systemd-ask-password-wall.service ",
     "", Use::always, true, Weight::lost, "nobody passes on questions for passwords"},
    {" systemd-udevd.service udev.service systemd-udevd-control.socket systemd-udevd-kernel.socket ", "udev",
     Use::always, true, Weight::note, ""},
    {" systemd-udev-trigger.service systemd-udev-settle.service ", "udev-trigger", Use::always, true, Weight::note, ""},
    {" systemd-sysctl.service procps.service ", "sysctl", Use::always, true, Weight::note, ""},
    {" systemd-modules-load.service kmod.service ", "modules", Use::always, true, Weight::note, ""},
    {" systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-sysusers.service ", "tmpfiles",
     Use::always, true, Weight::note, ""},
    {" systemd-remount-fs.service ", "root-remount", Use::always, true, Weight::note, ""},
    {" systemd-fsck-root.service ", "fsck-root", Use::always, true, Weight::note, ""},
    {" systemd-random-seed.service ", "random-seed", Use::always, true, Weight::note, ""},
    {" networking.service ", "network-interfaces", Use::always, true, Weight::note, ""},
    {" user.slice system.slice machine.slice -.slice init.scope ", "", Use::always, true, Weight::note, own_groups},
    {" -.mount ", "", Use::always, true, Weight::note, "the root file system is there"},
};

// Ours that come before others of ours: `name` after each of `after`.
struct Order {
    std::string_view name, after; // names, with blanks around each
};
constexpr std::string_view of_sysinit =
    " mounts root-remount fsck fsck-root swap clock hostname mdev eudev udev udev-trigger "
    "modules random-seed sysctl tmpfiles ";
constexpr Order orders[] = {
    {"sysinit", of_sysinit},
    {"basic", " sysinit "},
    {"network", " sysinit loopback network-interfaces "},
    {"network-interfaces", " sysinit loopback "},
    {"loopback", " sysinit "},
    {"network-mounts", " mounts network "},
    {"rc-local", " basic network "},
    {"multi-user", " basic network network-mounts rc-local "},
    {"default", " multi-user "},
    {"runlevel2", " multi-user "},
    {"runlevel3", " multi-user "},
    {"runlevel4", " multi-user "},
    {"graphical", " multi-user "},
    {"runlevel5", " graphical "},
    {"rescue", " sysinit "},
    {"runlevel1", " rescue "},
    {"mounts", " root-remount fsck "},
    {"fsck", " root-remount "},
    {"root-remount", " fsck-root "},
    {"fsck-root", " udev-trigger mdev "},
    {"swap", " mounts "},
    {"clock", " udev-trigger mdev root-remount "},
    {"hostname", " mounts "},
    {"random-seed", " mounts "},
    {"tmpfiles", " mounts "},
    {"udev-trigger", " udev eudev "},
    {"udev", " modules "},
    {"eudev", " modules "},
    {"mdev", " modules "},
    {"sysctl", " modules "},
};

bool contains(std::string_view names, std::string_view name) {
    for (std::size_t at = names.find(name); at != std::string_view::npos && !name.empty();
         at = names.find(name, at + 1))
        if (at > 0 && names[at - 1] == ' ' && names.substr(at + name.size()).starts_with(' '))
            return true;
    return false;
}

// Whether `naming` is one of those that a row's `ours` is for.
bool applies(Use use, Naming naming) {
    switch (use) {
    case Use::always: return true;
    case Use::after: return naming == Naming::after;
    case Use::before: return naming == Naming::before;
    case Use::install: return naming == Naming::from_install;
    }
    __builtin_unreachable();
}

Named by_suffix(std::string_view suffix, Naming naming) {
    const bool order = naming == Naming::after || naming == Naming::before || naming == Naming::conflict;
    if (suffix == ".mount" || suffix == ".automount")
        return naming == Naming::after || naming == Naming::pulled_in
                   ? Named{"mounts", Weight::note, "", true}
                   : Named{"", order ? Weight::note : Weight::lost,
                           "the file systems of /etc/fstab are mounted as one"};
    if (suffix == ".swap")
        return naming == Naming::after || naming == Naming::pulled_in
                   ? Named{"swap", Weight::note, "", true}
                   : Named{"", order ? Weight::note : Weight::lost, "swap space is used by sysinit"};
    if (suffix == ".device")
        return {"", order ? Weight::near : Weight::lost,
                order ? "devices that are there at boot are there before basic; others are not waited for" : devices};
    if (suffix == ".slice")
        return {"", Weight::note, own_groups};
    if (suffix == ".path")
        return {"", order ? Weight::note : Weight::lost, "there are no units that watch paths"};
    return {"", order ? Weight::note : Weight::lost, "there is no such kind of unit"};
}

} // namespace

std::string own_name(std::string_view unit, bool placeholders) {
    std::size_t dot = unit.rfind('.');
    std::string name = unescape_name(unit.substr(0, dot), false);
    // A placeholder stays what it is.
    std::string own;
    for (std::size_t at = 0; at < name.size(); ++at) {
        std::string_view rest = std::string_view(name).substr(at);
        for (std::string_view placeholder : {"${instance}", "${name}"})
            if (placeholders && (at == 0 || name[at - 1] != '$') && rest.starts_with(placeholder)) {
                own += placeholder;
                at += placeholder.size();
                rest.remove_prefix(placeholder.size());
            }
        if (rest.empty())
            break;
        bool known = (rest[0] >= 'a' && rest[0] <= 'z') || (rest[0] >= 'A' && rest[0] <= 'Z') ||
                     (rest[0] >= '0' && rest[0] <= '9') || std::string_view("_.@:-").find(rest[0]) != rest.npos;
        own += known ? rest[0] : '_';
    }
    std::string tried;
    for (std::size_t at = 0; at < own.size(); ++at)
        if (own[at] == '$' || own[at] == '{' || own[at] == '}')
            tried += 'x';
        else
            tried += own[at];
    return config::name_fault(tried).empty() ? own : std::string();
}

Named named(std::string_view unit, Naming naming, bool placeholders) {
    std::size_t dot = unit.rfind('.');
    std::string_view suffix = dot == std::string_view::npos ? std::string_view{} : unit.substr(dot);
    for (const Row& row : rows) {
        if (!contains(row.theirs, unit))
            continue;
        if (!row.ours.empty() && naming == Naming::from_install && row.order_only)
            return {std::string(contains(of_sysinit, row.ours) ? "sysinit"
                                : row.ours == "network-mounts" ? "multi-user"
                                                               : row.ours),
                    Weight::note,
                    {},
                    false};
        if (!row.ours.empty() && applies(row.use, naming))
            return {std::string(row.ours), Weight::note, {}, row.order_only};
        const bool needed =
            naming == Naming::pulled_in || naming == Naming::from_install || naming == Naming::triggered;
        std::string_view why =
            row.why.empty() ? std::string_view("it stands for something that is done by then") : row.why;
        return {"", needed || row.without == Weight::note ? row.without : Weight::note, why, false};
    }
    if (suffix == ".service" || suffix == ".target" || suffix == ".socket" || suffix == ".timer") {
        std::string name = own_name(unit, placeholders);
        if (name.empty())
            return {"", Weight::lost, "it is no name that a unit can have here", false};
        if (name.ends_with('@'))
            return {"", Weight::lost, "a template is no unit: one of its instances has to be named", false};
        return {std::move(name), Weight::note, {}, false};
    }
    return by_suffix(suffix, naming);
}

bool comes_after(std::string_view name, std::string_view other) {
    for (const Order& order : orders)
        if (order.name == name) {
            if (contains(order.after, other))
                return true;
            std::vector<std::string_view> between = split(order.after, ' ');
            return std::ranges::any_of(
                between, [&](std::string_view each) { return !each.empty() && comes_after(each, other); });
        }
    return false;
}

} // namespace mi::convert
