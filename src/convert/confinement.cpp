// What a service is kept away from, and the directories that are made for it.
#include "base/capabilities.hpp"
#include "base/system_calls.hpp"
#include "convert/draft.hpp"
#include "convert/values.hpp"

#include "base/text.hpp"
#include "config/syntax.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

constexpr Table here = Table::process;

class Confinement {
public:
    explicit Confinement(Draft& draft) : draft_(draft) {
        const Assignment* dynamic = draft_.last("DynamicUser");
        const Assignment* user = draft_.last("User");
        dynamic_ = dynamic != nullptr && truth(dynamic->value) == true;
        root_ = draft_.own_drop || (!dynamic_ && (user == nullptr || user->value == "root" || user->value == "0"));
    }

    void run() {
        capabilities();
        flags();
        protect_system();
        protect_home();
        protect_kernel();
        directories();
        paths();
        calls();
    }

private:
    void say(const Assignment* of, Weight weight, std::string_view why) {
        if (of != nullptr)
            draft_.say(*of, here, weight, why);
    }
    bool yes(const Assignment* of) { return of != nullptr && draft_.truth(*of, here) == true; }

    // --- capabilities -----------------------------------------------------------------------------------------------------

    // A set as its assignments make it up; nothing where there are none. `whole`: what '~' takes away from.
    std::optional<CapabilitySet> capability_set(std::string_view key, CapabilitySet whole) {
        std::optional<CapabilitySet> set;
        for (const Assignment& each : draft_.main().text.assignments) {
            if (each.section != "Service" || each.key != key)
                continue;
            each.used = true;
            std::string_view list = each.value;
            if (list.empty()) { // not the default, but none
                set = 0;
                continue;
            }
            const bool without = list.starts_with('~');
            list.remove_prefix(without ? 1 : 0);
            CapabilitySet named = 0;
            for (std::string_view word : blank_separated(list)) {
                if (std::optional<int> number = capability_number(word))
                    named |= CapabilitySet{1} << *number;
                else
                    say(&each, Weight::lost, "\"" + std::string(word) + "\" is no capability that is known");
            }
            if (without)
                set = set.value_or(whole) & ~named;
            else
                set = set.value_or(0) | named;
        }
        return set;
    }

    void capabilities() {
        const std::size_t count = capability_names().size();
        const CapabilitySet whole = count >= 64 ? ~CapabilitySet{0} : (CapabilitySet{1} << count) - 1;
        std::optional<CapabilitySet> ambient = capability_set("AmbientCapabilities", whole);
        bounding_ = capability_set("CapabilityBoundingSet", whole);
        // Ours are kept in every set. A user that is not root has no other but the ambient ones to begin with.
        std::optional<CapabilitySet> kept;
        if (root_)
            kept = bounding_;
        else if (ambient || bounding_)
            kept = ambient.value_or(0) & bounding_.value_or(whole);
        if (!kept || *kept == whole)
            return;
        std::vector<std::string> names;
        for (std::size_t number = 0; number < count; ++number)
            if ((*kept >> number & 1) != 0)
                names.emplace_back(capability_names()[number]);
        draft_.sheet.set(here, "capabilities", array(names));
    }

    // Whether the service could use a capability at all.
    bool can_have(std::string_view capability) {
        std::optional<int> number = capability_number(capability);
        return root_ && number && (!bounding_ || (*bounding_ >> *number & 1) != 0);
    }

    // --- switches ---------------------------------------------------------------------------------------------------------

    void flags() {
        struct Flag {
            std::string_view theirs, ours;
            bool dynamic; // comes with DynamicUser=
        };
        for (const Flag& flag :
             {Flag{"NoNewPrivileges", "no-new-privileges", true}, Flag{"PrivateTmp", "private-tmp", true},
              Flag{"PrivateDevices", "private-devices", false}, Flag{"PrivateNetwork", "private-network", false}}) {
            const Assignment* of = draft_.last(flag.theirs);
            if (of != nullptr && of->value == "disconnected")
                draft_.sheet.set(here, flag.ours, "true");
            else if (yes(of) || (flag.dynamic && dynamic_))
                draft_.sheet.set(here, flag.ours, "true");
        }
        if (const Assignment* mounts = draft_.last("PrivateMounts");
            mounts != nullptr && draft_.truth(*mounts, here) == true)
            say(mounts, Weight::lost, "a service has mounts of its own only where another key makes some");
    }

    void protect_system() {
        const Assignment* of = draft_.last("ProtectSystem");
        std::string value = dynamic_ ? "strict" : "no";
        if (of != nullptr && !dynamic_) {
            std::optional<bool> simple = truth(of->value);
            if (simple)
                value = *simple ? "yes" : "no";
            else if (of->value == "full" || of->value == "strict")
                value = of->value;
            else
                say(of, Weight::lost, "there is no such value");
        }
        if (value != "no")
            draft_.sheet.set_text(here, "protect-system", value);
    }

    void add(std::vector<std::string>& to, std::string path) {
        if (std::find(to.begin(), to.end(), path) == to.end())
            to.push_back(std::move(path));
    }

    void protect_home() {
        const Assignment* of = draft_.last("ProtectHome");
        if (of == nullptr && !dynamic_)
            return;
        const std::string_view word = of != nullptr ? std::string_view(of->value) : "read-only";
        std::optional<bool> simple = truth(word);
        if (simple == false)
            return;
        if (!simple && word != "read-only" && word != "tmpfs")
            return say(of, Weight::lost, "there is no such value");
        std::vector<std::string>& list = word == "read-only" ? read_only_ : inaccessible_;
        for (std::string_view path : {"-/home", "-/root", "-/run/user"})
            add(list, std::string(path));
        if (word == "tmpfs")
            say(of, Weight::near, "they are not empty and writable for it, but out of its sight");
    }

    // What is made of paths and a capability, in the way of ProtectSystem=.
    void protect_kernel() {
        struct Protection {
            std::string_view theirs, read_only, inaccessible, capability;
        };
        for (const Protection& each :
             {Protection{
                  "ProtectKernelTunables",
                  "-/proc/sys -/proc/sysrq-trigger -/proc/latency_stats -/proc/acpi -/proc/timer_stats -/proc/fs "
                  "-/proc/irq -/sys",
                  "", ""},
              Protection{"ProtectControlGroups", "-/sys/fs/cgroup", "", ""},
              Protection{"ProtectKernelModules", "", "-/lib/modules -/usr/lib/modules", "CAP_SYS_MODULE"},
              Protection{"ProtectKernelLogs", "", "-/proc/kmsg -/dev/kmsg", "CAP_SYSLOG"}}) {
            const Assignment* of = draft_.last(each.theirs);
            if (!yes(of))
                continue;
            for (std::string_view path : blank_separated(each.read_only))
                add(read_only_, std::string(path));
            for (std::string_view path : blank_separated(each.inaccessible))
                add(inaccessible_, std::string(path));
            if (!each.capability.empty() && can_have(each.capability))
                say(of, Weight::near,
                    "it keeps " + std::string(each.capability) + ", which `capabilities` can leave out");
        }
        if (const Assignment* clock = draft_.last("ProtectClock"); yes(clock) && can_have("CAP_SYS_TIME"))
            say(clock, Weight::lost, "it keeps CAP_SYS_TIME, which `capabilities` can leave out");
    }

    void take_paths(std::vector<std::string>& to, std::initializer_list<std::string_view> keys) {
        for (std::string_view key : keys)
            for (const Assignment* each : draft_.all(key))
                for (const std::string& word : draft_.words(*each, here).value_or(std::vector<std::string>{})) {
                    std::string_view path = word;
                    const bool optional = path.starts_with('-') || path.starts_with("+-");
                    while (path.starts_with('-') || path.starts_with('+'))
                        path.remove_prefix(1);
                    const std::vector<std::string_view> parts = split(path, '/');
                    if (path.starts_with('/') && std::ranges::find(parts, "..") == parts.end())
                        add(to, (optional ? "-" : "") + std::string(path));
                    else
                        say(each, Weight::lost, "\"" + word + "\" is no absolute path");
                }
    }

    void paths() {
        std::vector<std::string>& writable = writable_;
        take_paths(writable, {"ReadWritePaths", "ReadWriteDirectories"});
        take_paths(read_only_, {"ReadOnlyPaths", "ReadOnlyDirectories"});
        take_paths(inaccessible_, {"InaccessiblePaths", "InaccessibleDirectories"});
        // What can be written without it needs no mention.
        if (!writable.empty() && (draft_.sheet.has(here, "protect-system") || !read_only_.empty()))
            draft_.sheet.set(here, "read-write-paths", array(writable));
        if (!read_only_.empty())
            draft_.sheet.set(here, "read-only-paths", array(read_only_));
        if (!inaccessible_.empty())
            draft_.sheet.set(here, "inaccessible-paths", array(inaccessible_));
    }

    // --- system calls -----------------------------------------------------------------------------------------------------

    void calls() {
        std::vector<std::string> words;
        for (const Assignment* each : draft_.all("SystemCallFilter")) {
            std::string_view list = each->value;
            const bool denies = list.starts_with('~');
            list.remove_prefix(denies ? 1 : 0);
            for (std::string_view word : blank_separated(list)) {
                const std::size_t colon = word.find(':');
                if (colon != word.npos)
                    say(each, Weight::near, "`system-call-error` is one for all calls that are denied");
                word = word.substr(0, colon);
                if (denies && is_indispensable(word))
                    say(each, Weight::near,
                        std::string(word) + " cannot be denied: nothing could start or end without it");
                else if (names_calls(word))
                    words.push_back((denies ? "!" : "") + std::string(word));
                else
                    say(each, Weight::near, "\"" + std::string(word) + "\" is no system call that is known");
            }
        }
        if (!words.empty())
            draft_.sheet.set(here, "system-call-filter", array(words));
        if (const Assignment* error = draft_.last("SystemCallErrorNumber")) {
            constexpr std::string_view errors = " kill EPERM EACCES ENOSYS EINVAL ENOTSUP EUCLEAN ENOENT ";
            if (words.empty())
                say(error, Weight::note, "no system call is filtered");
            else if (errors.find(" " + error->value + " ") != errors.npos)
                draft_.sheet.set_text(here, "system-call-error", error->value);
            else
                say(error, Weight::lost, "a call that is denied fails with one of a few errors");
        }
        if (const Assignment* machines = draft_.last("SystemCallArchitectures"))
            say(machines, machines->value == "native" && !words.empty() ? Weight::note : Weight::lost,
                words.empty() ? "only with `system-call-filter` are calls of other architectures denied"
                              : "a filter denies the calls of other architectures");
    }

    // --- directories ------------------------------------------------------------------------------------------------------

    void directories() {
        take_directories("RuntimeDirectory", "runtime-directory", "/run/");
        take_directories("StateDirectory", "state-directory", "/var/lib/");
        take_directories("LogsDirectory", "logs-directory", "/var/log/");
        if (const Assignment* keep = draft_.last("RuntimeDirectoryPreserve"))
            say(keep, truth(keep->value) == false ? Weight::note : Weight::lost,
                "they are removed when the service has stopped");
    }

    // The mode they are to have, if it is not the usual one.
    std::string mode_of(const std::string& key) {
        const Assignment* of = draft_.last(key);
        if (of == nullptr)
            return {};
        std::optional<std::uint32_t> mode = config::parse_mode(of->value);
        if (!mode)
            say(of, Weight::lost, "it is no mode");
        return mode && *mode != 0755 ? of->value : std::string();
    }

    void take_directories(std::string_view key, std::string_view ours, std::string_view parent) {
        std::vector<std::string> names;
        const std::string mode = mode_of(std::string(key) + "Mode");
        for (const Assignment* each : draft_.all(key))
            for (std::string& word : draft_.words(*each, here).value_or(std::vector<std::string>{})) {
                if (std::size_t colon = word.find(':'); colon != std::string::npos) {
                    say(each, Weight::lost, "no link is made to a directory that is");
                    word.resize(colon);
                }
                while (word.ends_with('/'))
                    word.pop_back();
                const std::vector<std::string_view> parts = split(word, '/');
                if (std::ranges::any_of(
                        parts, [](std::string_view part) { return part.empty() || part == "." || part == ".."; }))
                    say(each, Weight::lost, "it is no plain relative path");
                else
                    names.push_back(std::move(word));
            }
        if (names.empty())
            return;
        std::vector<std::string> command = {"/bin/chmod", mode};
        if (draft_.own_drop) {
            // They would be root's.
            command = {"/usr/bin/install", "-d", "-m", mode.empty() ? "0755" : mode, "-o", draft_.last("User")->value};
            if (const Assignment* group = draft_.last("Group"))
                command.insert(command.end(), {"-g", group->value});
        } else {
            draft_.sheet.set(here, ours, array(names));
        }
        for (const std::string& name : names)
            command.push_back(std::string(parent) + name);
        if (draft_.own_drop)
            for (const std::string& name : names)
                add(writable_, "-" + std::string(parent) + name);
        if (draft_.own_drop || !mode.empty())
            draft_.prelude.push_back(array(command));
    }

    Draft& draft_;
    bool dynamic_ = false, root_ = true;
    std::optional<CapabilitySet> bounding_;
    std::vector<std::string> read_only_, inaccessible_, writable_;
};

} // namespace

void convert_confinement(Draft& draft) { Confinement(draft).run(); }

} // namespace mi::convert
