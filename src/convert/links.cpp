#include "convert/links.hpp"

#include "convert/gather.hpp"
#include "convert/names.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

constexpr std::string_view null_device = "/dev/null";
constexpr char default_target[] = "default.target";

// The unit that a file in NAME.wants/ belongs to; empty: the directory is no such one.
struct Owner {
    std::string name;
    bool required = false;
};
Owner owner_of(std::string_view directory) {
    for (std::string_view suffix : {".wants", ".upholds", ".requires"})
        if (directory.ends_with(suffix))
            return {std::string(directory.substr(0, directory.size() - suffix.size())), suffix == ".requires"};
    return {};
}

} // namespace

// What no link of the administrator says.
void Links::add(Entry& entry, const std::string& owner, bool required) {
    entry.enabling.push_back({owner, required, false, true});
}

bool Links::Entry::enabled() const {
    return std::ranges::any_of(enabling, [](const Enabling& each) { return !each.masked; });
}

const Links::Entry* Links::find(const std::string& name) const {
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : &found->second;
}

bool Links::enables(const std::string& name) const {
    const Entry* entry = find(name);
    return entry != nullptr && entry->enabled();
}

Links::Links(const SearchPath& search_path, const Lookup& lookup) {
    for (const std::string& directory : search_path.directories) {
        const bool by_package = !directory.substr(search_path.root.size()).starts_with("/etc/");
        for (const std::string& name : lookup.names(directory)) {
            if (is_unit_file(name))
                add_file(name, directory, lookup);
            else if (const Owner owner = owner_of(name); !owner.name.empty())
                add_directory(owner.name, owner.required, directory + "/" + name, lookup, by_package);
        }
    }
    add_targets(search_path, lookup);
    join_aliases();
    add_default();
}

void Links::add_file(const std::string& name, const std::string& directory, const Lookup& lookup) {
    Entry& entry = entries_[name];
    if (!entry.path.empty())
        return;
    entry.path = directory + "/" + name;
    const std::string target = lookup.link(entry.path);
    entry.masked = target == null_device || lookup.is_mask(entry.path);
    if (const std::string other(file_name(target)); other != name && other != template_of(name) && is_unit_file(other))
        entry.alias_of = other;
}

void Links::add_directory(const std::string& owner, bool required, const std::string& directory, const Lookup& lookup,
                          bool by_package) {
    for (const std::string& name : lookup.names(directory)) {
        std::vector<Enabling>& all = entries_[name].enabling;
        const auto same = [&](const Enabling& each) { return each.owner == owner && each.required == required; };
        if (std::ranges::none_of(all, same))
            all.push_back({owner, required, lookup.link(directory + "/" + name) == null_device, by_package});
    }
}

// The files of targets that are not converted, as ours stand for them, also say what they want: graphical.target wants the
// display manager, and an administrator may have added to them by drop-ins.
void Links::add_targets(const SearchPath& search_path, const Lookup& lookup) {
    const Gatherer gatherer(search_path, lookup, {});
    for (const auto& [name, entry] : entries_) { // what is added meanwhile takes no place from it
        if (!name.ends_with(".target") || entry.path.empty() || !is_done_here(name) || !entry.alias_of.empty())
            continue;
        const std::optional<SystemdUnit> target = gatherer.read(search_path.directories, name, entry.path);
        if (!target)
            continue;
        for (const Assignment& each : target->text.assignments)
            if (each.section == "Unit" && is_one_of(each.key, "Wants Requires BindsTo Upholds"))
                for (std::string_view word : blank_separated(each.value))
                    add(entries_[std::string(word)], name, is_one_of(each.key, "Requires BindsTo"));
    }
}

// What enables a unit by another of its names enables the unit.
void Links::join_aliases() {
    for (auto& [name, entry] : entries_) {
        if (entry.alias_of.empty())
            continue;
        std::string unit = entry.alias_of;
        for (int links = 0; links < 8; ++links) // as many as there can be in earnest
            if (const Entry* next = find(unit); next != nullptr && !next->alias_of.empty())
                unit = next->alias_of;
        const auto real = entries_.find(unit);
        if (real == entries_.end() || !real->second.alias_of.empty())
            continue;
        real->second.aliases.push_back(name);
        for (const Enabling& each : entry.enabling)
            real->second.enabling.push_back(each);
        entry.alias_of = unit;
    }
}

// default.target is a name of the target that a boot ends with. Ours of that name is multi-user, so that what the other one
// wants is wanted by ours as well.
void Links::add_default() {
    const Entry* named = find(default_target);
    if (named == nullptr || named->alias_of.empty() || named->alias_of == "multi-user.target")
        return;
    const std::string target = named->alias_of;
    for (auto& [name, entry] : entries_) {
        const auto of_target = std::ranges::find(entry.enabling, target, &Enabling::owner);
        if (of_target != entry.enabling.end() ? !of_target->masked : name == target && !is_done_here(target))
            add(entry, default_target, false);
    }
}

} // namespace mi::convert
