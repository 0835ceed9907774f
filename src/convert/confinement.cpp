// Converts the confinement of a service: capabilities, paths, system calls; and the directories that are made for it.
#include "base/capabilities.hpp"
#include "base/system_calls.hpp"
#include "base/text.hpp"
#include "config/syntax.hpp"
#include "convert/step.hpp"

namespace mi::convert {

namespace {

constexpr Table here = Table::process;

// The paths that systemd protects for ProtectKernel…= and ProtectControlGroups=, and the capability that it takes away.
struct Protection {
    std::string_view directive, read_only, inaccessible, capability;
};
constexpr Protection protections[] = {
    {"ProtectKernelTunables",
     "-/proc/sys -/proc/sysrq-trigger -/proc/latency_stats -/proc/acpi -/proc/timer_stats -/proc/fs -/proc/irq -/sys",
     "", ""},
    {"ProtectControlGroups", "-/sys/fs/cgroup", "", ""},
    {"ProtectKernelModules", "", "-/lib/modules -/usr/lib/modules", "CAP_SYS_MODULE"},
    {"ProtectKernelLogs", "", "-/proc/kmsg -/dev/kmsg", "CAP_SYSLOG"},
};

bool is_plain_relative(std::string_view path) {
    return std::ranges::none_of(split(path, '/'),
                                [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
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
        paths();
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
        std::optional<CapabilitySet> kept;
        if (identity_.is_root)
            kept = bounding_;
        else if (ambient || bounding_)
            kept = ambient.value_or(0) & bounding_.value_or(whole);
        if (!kept || *kept == whole)
            return;
        std::vector<std::string> names;
        for (std::size_t number = 0; number < count; ++number)
            if ((*kept >> number & 1) != 0)
                names.emplace_back(capability_names()[number]);
        set("capabilities", array(names));
    }

    // True if the service can have a capability.
    bool can_have(std::string_view capability) const {
        const std::optional<int> number = capability_number(capability);
        return identity_.is_root && number && (!bounding_ || (*bounding_ >> *number & 1) != 0);
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
            if (!each.capability.empty() && can_have(each.capability))
                near(of, "it keeps " + std::string(each.capability) + ", which `capabilities` can leave out");
        }
        if (const Assignment& clock = last("ProtectClock"); is_yes(clock) && can_have("CAP_SYS_TIME"))
            lost(clock, "it keeps CAP_SYS_TIME, which `capabilities` can leave out");
    }

    void take_paths(std::vector<std::string>& to, std::string_view key) {
        for (const Assignment& each : all(key))
            for (const std::string& word : words(each)) {
                const bool optional = word.starts_with('-') || word.starts_with("+-");
                const std::string path = word.substr(std::min(word.find_first_not_of("+-"), word.size()));
                const std::vector<std::string_view> parts = split(path, '/');
                if (path.starts_with('/') && std::ranges::find(parts, "..") == parts.end())
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
        // Without anything read-only, every path can be written anyway.
        if (out_.toml.has(here, "protect-system") || !read_only_.empty())
            set_list("read-write-paths", writable_);
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
            while (word.ends_with('/'))
                word.pop_back();
            if (is_plain_relative(word))
                names.push_back(std::move(word));
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
        std::vector<std::string> command = {"/bin/chmod", mode};
        if (identity_.changes_itself) {
            // The keys would make directories that belong to root, as the service starts as root.
            command = {"/usr/bin/install",           "-d", "-m",
                       mode.empty() ? "0755" : mode, "-o", std::string(source_.value("User"))};
            if (const std::string_view group = source_.value("Group"); !group.empty())
                command.insert(command.end(), {"-g", std::string(group)});
        } else {
            set(key, array(names));
        }
        for (const std::string& name : names) {
            command.push_back(std::string(parent) + name);
            if (identity_.changes_itself)
                add_once(writable_, "-" + command.back());
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

    void system_calls() {
        std::vector<std::string> words;
        for (const Assignment& each : all("SystemCallFilter"))
            filter(each, words);
        set_list("system-call-filter", words);
        const Assignment& error = last("SystemCallErrorNumber");
        if (words.empty())
            note(error, "no system call is filtered");
        else if (is_one_of(error.value, "kill EPERM EACCES ENOSYS EINVAL ENOTSUP EUCLEAN ENOENT"))
            set_text("system-call-error", error.value);
        else
            lost(error, "a call that is denied fails with one of a few errors");
        const Assignment& machines = last("SystemCallArchitectures");
        say(machines, machines.value == "native" && !words.empty() ? Weight::note : Weight::lost,
            words.empty() ? "only with `system-call-filter` are calls of other architectures denied"
                          : "a filter denies the calls of other architectures");
    }

    const Identity& identity_;
    std::optional<CapabilitySet> bounding_;
    std::vector<std::string> read_only_, inaccessible_, writable_;
    std::vector<std::string> commands_;
};

} // namespace

Confinement convert_confinement(const UnitSource& source, const Identity& identity) {
    return ConfinementStep(source, identity).run();
}

} // namespace mi::convert
