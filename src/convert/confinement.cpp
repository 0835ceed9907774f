// Converts the confinement of a service: capabilities, paths, system calls; and the directories that are made for it.
#include "base/address_families.hpp"
#include "base/capabilities.hpp"
#include "base/system_calls.hpp"
#include "base/text.hpp"
#include "config/syntax.hpp"
#include "convert/step.hpp"

#include <bit>

namespace mi::convert {

namespace {

constexpr Table here = Table::process;

// The paths that systemd protects for these directives, and the capabilities that it takes away.
struct Protection {
    std::string_view directive, read_only, inaccessible, capabilities;
};
constexpr Protection protections[] = {
    {"ProtectKernelTunables",
     "-/proc/sys -/proc/sysrq-trigger -/proc/latency_stats -/proc/acpi -/proc/timer_stats -/proc/fs -/proc/irq -/sys",
     "", ""},
    {"ProtectControlGroups", "-/sys/fs/cgroup", "", ""},
    {"ProtectKernelModules", "", "-/lib/modules -/usr/lib/modules", "CAP_SYS_MODULE"},
    {"ProtectKernelLogs", "", "-/proc/kmsg -/dev/kmsg", "CAP_SYSLOG"},
    {"ProtectClock", "", "", "CAP_SYS_TIME CAP_WAKE_ALARM"},
};

// A relative path without "." and empty parts; empty if it is none, or leads upwards.
std::string plain_relative(std::string_view path) {
    std::string plain;
    for (std::string_view part : split(path, '/'))
        if (part == ".." || path.starts_with('/'))
            return {};
        else if (!part.empty() && part != ".")
            join_to(plain, part, "/");
    return plain;
}

class ConfinementStep : ConversionStep {
public:
    ConfinementStep(const UnitSource& source, const Identity& identity)
        : ConversionStep(source, here), identity_(identity) {}

    Confinement run() {
        capabilities();
        if (identity_.is_dynamic)
            for (std::string_view key : {"no-new-privileges", "private-tmp"})
                set(key, "true");
        protect_system();
        protect_home();
        protect_kernel();
        directories("RuntimeDirectory", "runtime-directory", "/run/");
        directories("StateDirectory", "state-directory", "/var/lib/");
        directories("LogsDirectory", "logs-directory", "/var/log/");
        directories("CacheDirectory", "cache-directory", "/var/cache/");
        directories("ConfigurationDirectory", "configuration-directory", "/etc/");
        near(last("ConfigurationDirectoryMode"), "a directory that is there already is given it, too");
        keep_runtime_directory();
        paths();
        processes();
        devices();
        bind_paths();
        system_calls();
        return {std::move(out_), std::move(commands_)};
    }

private:
    // --- capabilities -----------------------------------------------------------------------------------------------------

    // The set of capabilities that all assignments together make; nothing if there are none. `whole`: all capabilities.
    std::optional<CapabilitySet> capability_set(std::string_view key, CapabilitySet whole) {
        all(key); // empty assignments count here: they mean no capability, not the default
        std::optional<CapabilitySet> set;
        for (const Assignment* each : source_.main().text.of("Service", key)) {
            std::string_view list = each->value;
            if (list.empty()) {
                set = 0;
                continue;
            }
            const bool without = list.starts_with('~');
            list.remove_prefix(without ? 1 : 0);
            CapabilitySet named = 0;
            for (std::string_view word : blank_separated(list)) {
                if (const std::optional<int> number = capability_number(word))
                    named |= CapabilitySet{1} << *number;
                else
                    lost(*each, "\"" + std::string(word) + "\" is no capability that is known");
            }
            set = without ? set.value_or(whole) & ~named : set.value_or(0) | named;
        }
        return set;
    }

    void capabilities() {
        const std::size_t count = capability_names().size();
        const CapabilitySet whole = count >= 64 ? ~CapabilitySet{0} : (CapabilitySet{1} << count) - 1;
        const std::optional<CapabilitySet> ambient = capability_set("AmbientCapabilities", whole);
        bounding_ = capability_set("CapabilityBoundingSet", whole);
        // Every set keeps `capabilities`. Under systemd only root has those of the bounding set; other users start with
        // the ambient ones.
        for (const Protection& each : protections)
            if (convert::truth(last(each.directive).value) == true)
                for (std::string_view name : blank_separated(each.capabilities))
                    bounding_ = bounding_.value_or(whole) & ~(CapabilitySet{1} << capability_number(name).value());
        const CapabilitySet bounding = bounding_.value_or(whole);
        if (identity_.is_root)
            return set_capabilities("capabilities", bounding, whole);
        if (ambient)
            set_capabilities("capabilities", *ambient & bounding, whole);
        // Without new privileges nothing can make use of the others.
        const bool gains = !identity_.is_dynamic && !is_yes(last("NoNewPrivileges"));
        if (ambient ? gains && (*ambient & bounding) != bounding : bounding != whole)
            set("bounding-capabilities", words_of(bounding, whole));
    }

    void set_capabilities(std::string_view key, CapabilitySet kept, CapabilitySet whole) {
        if (kept != whole)
            set(key, words_of(kept, whole));
    }

    // Those in the set, or, if these are fewer, those that are not, each behind a '!'.
    static std::string words_of(CapabilitySet set, CapabilitySet whole) {
        const bool without = std::popcount(set) > std::popcount(whole) / 2;
        std::vector<std::string> names;
        for (std::size_t number = 0; number < capability_names().size(); ++number)
            if (((without ? ~set : set) >> number & 1) != 0)
                names.push_back((without ? "!" : "") + std::string(capability_names()[number]));
        return array(without && names.empty() ? std::vector<std::string>{"*"} : names);
    }

    // --- paths ------------------------------------------------------------------------------------------------------------

    void protect_system() {
        const Assignment& of = last("ProtectSystem");
        std::string value = identity_.is_dynamic ? "strict" : "no";
        if (!identity_.is_dynamic) {
            if (const std::optional<bool> simple = convert::truth(of.value))
                value = *simple ? "yes" : "no";
            else if (is_one_of(of.value, "full strict"))
                value = of.value;
            else
                lost(of, "there is no such value");
        }
        if (value != "no")
            set_text("protect-system", value);
    }

    void protect_home() {
        const Assignment& of = last("ProtectHome");
        const std::string_view word = of.value_or(identity_.is_dynamic ? "read-only" : "no");
        const std::optional<bool> simple = convert::truth(word);
        if (simple == false)
            return;
        if (!simple && !is_one_of(word, "read-only tmpfs"))
            return lost(of, "there is no such value");
        add_all(word == "read-only" ? read_only_ : inaccessible_, "-/home -/root -/run/user");
        if (word == "tmpfs")
            near(of, "they are not empty and writable for it, but out of its sight");
    }

    static void add_all(std::vector<std::string>& to, std::string_view paths) {
        for (std::string_view path : blank_separated(paths))
            add_once(to, std::string(path));
    }

    void protect_kernel() {
        for (const Protection& each : protections) {
            const Assignment& of = last(each.directive);
            if (!is_yes(of))
                continue;
            add_all(read_only_, each.read_only);
            add_all(inaccessible_, each.inaccessible);
        }
    }

    // What it sees below /proc.
    void processes() {
        const Assignment& others = last("ProtectProc");
        if (is_one_of(others.value, "noaccess invisible ptraceable"))
            set_text("protect-proc", others.value);
        else if (others.value != "default")
            lost(others, "there is no such value");
        const Assignment& subset = last("ProcSubset");
        if (subset.value == "pid")
            set_text("proc-subset", "pid");
        else if (subset.value != "all")
            lost(subset, "there is no such value");
        const Assignment& mounts = last("MountAPIVFS");
        if (is_yes(mounts))
            say(mounts, source_.value("RootDirectory").empty() ? Weight::note : Weight::lost,
                source_.value("RootDirectory").empty() ? "without a root directory of its own they are there"
                                                       : "/proc, /sys and /dev are not mounted in a root directory");
    }

    // What may be used is shown in a private /dev, and nothing else is there.
    void devices() {
        const Assignment& policy = last("DevicePolicy");
        const Assignments allowed = all("DeviceAllow");
        if (!is_one_of(policy.value, "auto closed strict"))
            lost(policy, "there is no such value");
        const bool open = policy.value_or("auto") == "auto";
        if (open && allowed.empty())
            return;
        const bool hidden = convert::truth(last("PrivateDevices").value) == true;
        std::vector<std::string> nodes;
        for (const Assignment& each : allowed) {
            const std::vector<std::string> parts = words(each);
            if (parts.empty() || !parts.front().starts_with("/dev/"))
                return lost(each,
                            "only devices that are named by their path below /dev can be shown in a private /dev");
            if (parts.size() > 1 && parts[1].find('w') == std::string::npos)
                near(each, "it may write it, too, where the mode of the device lets it");
            add_once(nodes, "-" + parts.front());
        }
        for (std::string& node : nodes)
            add_once(bound_, std::move(node));
        set("private-devices", "true");
        const Assignment& told = policy.is_set() ? policy : allowed.front().get();
        say(told, hidden ? Weight::note : Weight::near,
            "with `private-devices` it does not see the devices that it may not use");
    }

    void keep_runtime_directory() {
        const Assignment& of = last("RuntimeDirectoryPreserve");
        if (of.value == "restart" || source_.value("RuntimeDirectory").empty())
            note(of, "it stays over a restart in any case");
        else if (is_yes(of))
            set("keep-runtime-directory", "true");
    }

    // SOURCE[:PATH[:OPTIONS]], each with a '-' before it if it may be missing.
    void take_bind_paths(std::vector<std::string>& to, std::string_view key) {
        for (const Assignment& each : all(key))
            for (const std::string& word : words(each)) {
                const bool optional = word.starts_with('-');
                const std::vector<std::string_view> parts = split(std::string_view(word).substr(optional ? 1 : 0), ':');
                const std::string_view source = parts[0],
                                       path = parts.size() > 1 && !parts[1].empty() ? parts[1] : source;
                if (!config::is_straight_path(source) || !config::is_straight_path(path) || source == "/" ||
                    path == "/" || parts.size() > 3) {
                    lost(each, "\"" + word + "\" is not SOURCE:PATH");
                    continue;
                }
                if (parts.size() == 3 && parts[2] != "rbind")
                    near(each, "what is mounted below it is shown as well");
                add_once(to, (optional ? "-" : "") + std::string(source) +
                                 (path == source ? std::string() : ":" + std::string(path)));
            }
    }

    void bind_paths() {
        std::vector<std::string> read_only;
        take_bind_paths(bound_, "BindPaths");
        take_bind_paths(read_only, "BindReadOnlyPaths");
        set_list("bind-paths", bound_);
        set_list("bind-read-only-paths", read_only);
    }

    void take_paths(std::vector<std::string>& to, std::string_view key) {
        for (const Assignment& each : all(key))
            for (const std::string& word : words(each)) {
                const bool optional = word.starts_with('-') || word.starts_with("+-");
                const std::string path = word.substr(std::min(word.find_first_not_of("+-"), word.size()));
                if (config::is_straight_path(path))
                    add_once(to, (optional ? "-" : "") + path);
                else
                    lost(each, "\"" + word + "\" is no absolute path");
            }
    }

    void paths() {
        for (std::string_view end : {"Paths", "Directories"}) {
            take_paths(writable_, "ReadWrite" + std::string(end));
            take_paths(read_only_, "ReadOnly" + std::string(end));
            take_paths(inaccessible_, "Inaccessible" + std::string(end));
        }
        if (out_.toml.has(here, "protect-system") || !read_only_.empty())
            set_list("read-write-paths", writable_);
        else
            for (std::string_view end : {"Paths", "Directories"})
                note(last("ReadWrite" + std::string(end)), "nothing else makes a path read-only");
        set_list("read-only-paths", read_only_);
        set_list("inaccessible-paths", inaccessible_);
    }

    // --- directories that are made --------------------------------------------------------------------------------------

    // The names in an assignment, relative to the parent of such directories.
    std::vector<std::string> directory_names(const Assignment& of) {
        std::vector<std::string> names;
        for (std::string& word : words(of)) {
            if (const std::size_t colon = word.find(':'); colon != word.npos) {
                lost(of, "no link is made to a directory that is");
                word.resize(colon);
            }
            if (std::string name = plain_relative(word); !name.empty())
                names.push_back(std::move(name));
            else
                lost(of, "it is no plain relative path");
        }
        return names;
    }

    // The mode of the directories; empty if it is the default, 0755.
    std::string mode_of(const std::string& key) {
        const Assignment& of = last(key);
        const std::optional<std::uint32_t> mode = config::parse_mode(of.value_or("0755"));
        if (!mode)
            lost(of, "it is no mode");
        return mode.value_or(0755) == 0755 ? std::string() : of.value;
    }

    void directories(std::string_view directive, std::string_view key, std::string_view parent) {
        const std::string mode = mode_of(std::string(directive) + "Mode");
        std::vector<std::string> names;
        for (const Assignment& each : all(directive))
            for (std::string& name : directory_names(each))
                names.push_back(std::move(name));
        if (names.empty())
            return;
        // As root, with nothing of what confines the service: under systemd the manager itself does it.
        std::vector<std::string> command = {"+/bin/chmod", mode};
        if (identity_.changes_itself) {
            // The keys would make directories that belong to root, as the service starts as root.
            command = {"+/usr/bin/install",          "-d", "-m",
                       mode.empty() ? "0755" : mode, "-o", std::string(source_.value("User"))};
            if (const std::string_view group = source_.value("Group"); !group.empty())
                command.insert(command.end(), {"-g", std::string(group)});
        } else {
            set(key, array(names));
        }
        for (const std::string& name : names) {
            command.push_back(std::string(parent) + name);
            if (!identity_.changes_itself)
                continue;
            add_once(writable_, "-" + command.back());
            for (std::string_view other : {"StandardOutput", "StandardError", "WorkingDirectory"})
                if (source_.value(other).find(command.back()) != std::string_view::npos)
                    lost(last(directive),
                         "a command makes it, which begins with that " + std::string(other) + "= itself");
        }
        if (identity_.changes_itself || !mode.empty())
            commands_.push_back(array(command));
    }

    // --- system calls -----------------------------------------------------------------------------------------------------

    // Appends the words of one SystemCallFilter= in our form.
    void filter(const Assignment& of, std::vector<std::string>& words) {
        std::string_view list = of.value;
        const bool denies = list.starts_with('~');
        list.remove_prefix(denies ? 1 : 0);
        for (std::string_view whole : blank_separated(list)) {
            const std::string word(whole.substr(0, whole.find(':')));
            if (word.size() < whole.size())
                near(of, "`system-call-error` is one for all calls that are denied");
            if (denies && is_indispensable(word))
                near(of, word + " cannot be denied: nothing could start or end without it");
            else if (names_calls(word))
                words.push_back((denies ? "!" : "") + word);
            else
                near(of, "\"" + word + "\" is no system call that is known");
        }
    }

    // The words of RestrictAddressFamilies= in our form. The first one decides whether they are allowed or denied; what the
    // others take back is taken out.
    void address_families() {
        std::vector<std::string> names;
        std::optional<bool> allows;
        all("RestrictAddressFamilies"); // empty assignments count here: they take back the earlier ones
        for (const Assignment* each : source_.main().text.of("Service", "RestrictAddressFamilies")) {
            std::string_view list = each->value;
            const bool denied = list.starts_with('~');
            list.remove_prefix(denied ? 1 : 0);
            if (list.empty()) {
                names.clear();
                allows.reset();
                continue;
            }
            if (!allows)
                allows = !denied;
            for (std::string_view word : blank_separated(list))
                if (word == "none")
                    names.clear();
                else if (!address_family(word))
                    lost(*each, "\"" + std::string(word) + "\" is no address family that is known");
                else if (denied == *allows)
                    std::erase(names, (*allows ? "" : "!") + std::string(word));
                else
                    add_once(names, (*allows ? "" : "!") + std::string(word));
        }
        if (allows == true && names.empty())
            names = {"none"};
        set_list("restrict-address-families", names);
    }

    void namespaces() {
        constexpr std::string_view kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
        constexpr unsigned whole = (1U << std::size(kinds)) - 1;
        std::optional<unsigned> allowed; // by place in `kinds`
        for (const Assignment& each : all("RestrictNamespaces")) {
            std::string_view list = each.value;
            if (const std::optional<bool> simple = convert::truth(list)) {
                allowed = *simple ? 0 : whole;
                continue;
            }
            const bool denied = list.starts_with('~');
            list.remove_prefix(denied ? 1 : 0);
            unsigned named_kinds = 0;
            for (std::string_view word : blank_separated(list))
                if (const auto* kind = std::ranges::find(kinds, word); kind != std::end(kinds))
                    named_kinds |= 1U << (kind - kinds);
                else
                    lost(each, "\"" + std::string(word) + "\" is no kind of namespace that is known");
            allowed = denied ? allowed.value_or(whole) & ~named_kinds : allowed.value_or(0) | named_kinds;
        }
        std::vector<std::string> names;
        for (std::size_t i = 0; i < std::size(kinds); ++i)
            if ((allowed.value_or(whole) >> i & 1) == 0)
                names.emplace_back(kinds[i]);
        set_list("restrict-namespaces", names.size() == std::size(kinds) ? std::vector<std::string>{"all"} : names);
    }

    // What is said that a filter of system calls does; not_set: nothing.
    const Assignment& filtered() {
        constexpr std::string_view lists[][2] = {{"SystemCallFilter", "system-call-filter"},
                                                 {"RestrictAddressFamilies", "restrict-address-families"},
                                                 {"RestrictNamespaces", "restrict-namespaces"}};
        for (const auto& [directive, key] : lists)
            if (out_.toml.has(here, key))
                return last(directive);
        for (std::string_view flag :
             {"RestrictRealtime", "RestrictSUIDSGID", "LockPersonality", "MemoryDenyWriteExecute", "ProtectHostname"})
            if (const Assignment& of = last(flag); is_yes(of))
                return of;
        return not_set;
    }

    void system_calls() {
        address_families();
        namespaces();
        std::vector<std::string> words;
        for (const Assignment& each : all("SystemCallFilter"))
            filter(each, words);
        set_list("system-call-filter", words);
        const Assignment& filter_of = filtered();
        const bool filters = filter_of.is_set();
        if (!identity_.is_root && !identity_.is_dynamic && !is_yes(last("NoNewPrivileges")))
            near(filter_of, "for a service that does not run as root it implies `no-new-privileges`");
        const Assignment& error = last("SystemCallErrorNumber");
        if (words.empty())
            note(error, "no system call is filtered");
        else if (is_one_of(error.value, "kill EPERM EACCES ENOSYS EINVAL ENOTSUP EUCLEAN ENOENT"))
            set_text("system-call-error", error.value);
        else
            lost(error, "a call that is denied fails with one of a few errors");
        const Assignment& machines = last("SystemCallArchitectures");
        if (machines.is_set() && machines.value != "native")
            return lost(machines, "calls are allowed of the machine's own architecture alone");
        if (filters)
            note(machines, "a filter denies the calls of other architectures");
        else if (machines.is_set())
            set("native-system-calls", "true");
    }

    const Identity& identity_;
    std::optional<CapabilitySet> bounding_;
    std::vector<std::string> read_only_, inaccessible_, writable_, bound_;
    std::vector<std::string> commands_;
};

} // namespace

Confinement convert_confinement(const UnitSource& source, const Identity& identity) {
    return ConfinementStep(source, identity).run();
}

} // namespace mi::convert
