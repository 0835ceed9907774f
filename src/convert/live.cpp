#include "convert/live.hpp"

#include "convert/gather.hpp"
#include "convert/links.hpp"
#include "convert/names.hpp"
#include "convert/script.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

class Live {
public:
    Live(const SearchPath& search_path, const Lookup& lookup)
        : search_path_(search_path), lookup_(lookup), links_(search_path, lookup),
          gatherer_(search_path, lookup, enabled_names(), &links_) {}

    LiveUnits run() {
        // Services and targets first: a socket or a timer is part of one of them, if it is of any use.
        for (const bool activators : {false, true})
            for (const auto& [name, entry] : links_.entries())
                if (is_activator_file(name) == activators && !is_done_here(name))
                    take(name, entry);
        scripts();
        return std::move(made_);
    }

private:
    [[nodiscard]] std::vector<std::string> enabled_names() const {
        std::vector<std::string> names;
        for (const auto& [name, entry] : links_.entries())
            if (entry.enabled())
                names.push_back(name);
        return names;
    }

    // The path of a unit's file. An instance has the path of its template, under its own name.
    [[nodiscard]] std::string path_of(const std::string& name, const Links::Entry& entry) const {
        if (!entry.path.empty())
            return entry.path;
        const Links::Entry* whole = links_.find(template_of(name));
        if (whole == nullptr || whole->masked || whole->path.empty())
            return {};
        return whole->path.substr(0, whole->path.rfind('/') + 1) + name;
    }

    void take(const std::string& name, const Links::Entry& entry) {
        if (!is_unit_file(name))
            return take_other(name, entry);
        if (!entry.alias_of.empty())
            return;
        const std::string path = path_of(name, entry);
        if (path.empty())
            return; // something names it, and it is not installed
        if (entry.masked || lookup_.text(path) == "") {
            if (!is_activator_file(name))
                add_once(made_.masked, own_name(name));
            return;
        }
        const std::expected<UnitSource, std::string> source = gatherer_.gather(path);
        if (source && has(source->name))
            return complain(name, entry.enabled() && !is_of(name, source->name), "another unit has its name here");
        Unit unit = source ? convert_source(*source) : Unit{};
        if (!source || !unit.fault.empty())
            return complain(name, entry.enabled(), source ? unit.fault : source.error());
        made_.units.push_back(std::move(unit));
    }

    // Mounts and their like of packages are not told: what the kernel has to offer is mounted anyway.
    void take_other(const std::string& name, const Links::Entry& entry) {
        const auto by_admin = [](const Links::Enabling& each) { return !each.masked && !each.by_package; };
        complain(name, std::ranges::any_of(entry.enabling, by_admin), no_such_kind(name));
    }

    void complain(const std::string& name, bool enabled, std::string_view why) {
        if (enabled && !why.empty())
            made_.problems.push_back(name + " is enabled, and cannot be used here: " + std::string(why));
    }

    [[nodiscard]] bool has(const std::string& own) const {
        return std::ranges::find(made_.units, own, &Unit::name) != made_.units.end();
    }
    // True if the unit `own` was made from the file `name` as well.
    [[nodiscard]] bool is_of(std::string_view name, const std::string& own) const {
        const auto unit = std::ranges::find(made_.units, own, &Unit::name);
        return std::ranges::any_of(unit->files, [&](const std::string& file) { return file_name(file) == name; });
    }

    // --- init scripts -------------------------------------------------------------------------------------------------

    // The names in /etc/rcN.d that begin with S, without their number. `any`: there are links of scripts at all.
    [[nodiscard]] std::vector<std::string> started_scripts(bool& any) const {
        std::vector<std::string> names;
        for (const char level : std::string_view("S2345"))
            for (const std::string& name : lookup_.names(search_path_.root + "/etc/rc" + level + ".d"))
                if (name.size() > 3 && (name[0] == 'S' || name[0] == 'K')) {
                    any = true;
                    if (name[0] == 'S')
                        add_once(names, name.substr(3));
                }
        return names;
    }

    // As systemd-sysv-generator(8) does it: a script that a unit stands for is left to the unit.
    void scripts() {
        bool any = false;
        const std::vector<std::string> started = started_scripts(any);
        const std::string directory = search_path_.root + "/etc/init.d";
        for (const std::string& name : lookup_.names(directory)) {
            std::string unit(name, 0, name.ends_with(".sh") ? name.size() - 3 : name.size());
            unit += ".service";
            const Links::Entry* same = links_.find(unit);
            if ((same != nullptr && !same->path.empty()) || is_done_here(unit) ||
                (any && std::ranges::find(started, name) == started.end()))
                continue;
            const std::string path = directory + "/" + name;
            const std::optional<std::string> text = lookup_.text(path);
            if (!text || !is_init_script(*text))
                continue;
            if (Unit made = convert_script(path, *text, search_path_, lookup_); made.fault.empty() && !has(made.name))
                made_.units.push_back(std::move(made));
        }
    }

    const SearchPath& search_path_;
    const Lookup& lookup_;
    const Links links_;
    Gatherer gatherer_;
    LiveUnits made_;
};

} // namespace

LiveUnits convert_live(const SearchPath& search_path, const Lookup& lookup) { return Live(search_path, lookup).run(); }

SearchPath live_search_path(std::string root, const std::string& generated) {
    SearchPath search_path = search_path_of(std::move(root));
    std::vector<std::string>& directories = search_path.directories;
    directories.insert(directories.begin() + 2, generated + "/normal"); // after those of /etc and /run
    directories.insert(directories.begin(), generated + "/early");
    directories.push_back(generated + "/late");
    return search_path;
}

bool is_generator_done_here(std::string_view name) {
    constexpr std::string_view prefix = "systemd-", suffix = "-generator";
    if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size())
        return false;
    name.remove_prefix(prefix.size());
    name.remove_suffix(suffix.size());
    return is_one_of(name,
                     "bless-boot cryptsetup debug environment factory-reset fstab getty gpt-auto hibernate-resume "
                     "import integritysetup rc-local run ssh storage-target system-update sysv tpm2 veritysetup");
}

} // namespace mi::convert
