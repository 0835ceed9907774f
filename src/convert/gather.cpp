#include "convert/gather.hpp"

#include "convert/links.hpp"
#include "convert/names.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

using Kind = SystemdUnit::Kind;

std::string_view suffix_of(std::string_view unit) {
    const std::size_t dot = unit.rfind('.');
    return dot == unit.npos ? std::string_view{} : unit.substr(dot);
}
std::string stem_of(std::string_view unit) { return std::string(unit.substr(0, unit.rfind('.'))); }

struct KindRow {
    std::string_view suffix;
    Kind kind;
    std::string_view section, names_target; // `names_target`: the directive that names the unit it starts
};
constexpr KindRow kinds[] = {
    {".service", Kind::service, "Service", ""}, {".socket", Kind::socket, "Socket", "Service"},
    {".timer", Kind::timer, "Timer", "Unit"},   {".target", Kind::target, "Unit", ""},
    {".path", Kind::path, "Path", "Unit"},
};
const KindRow* kind_of(std::string_view unit) {
    const KindRow* found = std::ranges::find(kinds, suffix_of(unit), &KindRow::suffix);
    return found == std::end(kinds) ? nullptr : found;
}
bool is_activator(const KindRow& kind) { return !kind.names_target.empty(); }

// The names NAME of the directories NAME.d with drop-ins for `unit`, as systemd.unit(5) lists them: its own name, its
// template, each beginning of its name that ends with '-', its kind.
std::vector<std::string> owners_of_drop_ins(const std::string& unit) {
    std::vector<std::string> owners = {unit};
    const std::string suffix(suffix_of(unit)), stem = stem_of(unit);
    if (std::string whole = template_of(unit); !whole.empty())
        owners.push_back(std::move(whole));
    for (std::size_t dash = stem.rfind('-', stem.size() - 2); dash != stem.npos && dash > 0;
         dash = stem.rfind('-', dash - 1))
        owners.push_back(stem.substr(0, dash + 1) + suffix);
    owners.push_back(suffix.substr(1));
    return owners;
}

} // namespace

std::string template_of(std::string_view unit) {
    const std::size_t at = unit.find('@'), dot = unit.rfind('.');
    if (at == unit.npos || dot == unit.npos || at + 1 >= dot)
        return {};
    return std::string(unit.substr(0, at + 1)) + std::string(unit.substr(dot));
}

bool is_unit_file(std::string_view name) { return kind_of(name) != nullptr && !stem_of(name).empty(); }

bool is_activator_file(std::string_view name) { return is_unit_file(name) && is_activator(*kind_of(name)); }

Gatherer::Gatherer(const SearchPath& search_path, const Lookup& lookup, std::span<const std::string> files,
                   const Links* links)
    : search_path_(search_path), lookup_(lookup), links_(links) {
    for (const std::string& file : files)
        asked_for_.emplace_back(file_name(file));
}

std::string Gatherer::find_in(const Directories& directories, std::string_view name) const {
    for (const std::string& wanted : {std::string(name), template_of(name)})
        for (const std::string& directory : directories)
            if (std::string path = directory + "/" + wanted; !wanted.empty()) {
                if (lookup_.text(path))
                    return path;
                if (lookup_.is_mask(path))
                    return {};
            }
    return {};
}

// The search path, with the directory of the file itself in front.
Gatherer::Directories Gatherer::directories_for(const std::string& path) const {
    Directories directories = search_path_.directories;
    const std::size_t slash = path.rfind('/');
    const std::string own = slash == path.npos ? "." : path.substr(0, slash);
    if (slash == path.npos || std::ranges::find(directories, own) == directories.end())
        directories.insert(directories.begin(), own);
    return directories;
}

std::optional<SystemdUnit> Gatherer::read(const Directories& directories, std::string_view name,
                                          std::string path) const {
    const KindRow* kind = kind_of(name);
    const std::optional<std::string> text = lookup_.text(path);
    if (kind == nullptr || !text)
        return std::nullopt;
    SystemdUnit unit{kind->kind, std::string(name), {}, {std::move(path)}, {}, {}};
    read_unit_text(unit.text, *text, unit.files.front());
    add_drop_ins(directories, unit);
    unit.wants = linked(directories, unit.name, ".wants");
    unit.requires_ = linked(directories, unit.name, ".requires");
    return unit;
}

void Gatherer::add_drop_ins(const Directories& directories, SystemdUnit& unit) const {
    std::map<std::string, std::string> files; // by name; the first directory wins
    for (const std::string& owner : owners_of_drop_ins(unit.name))
        for (const std::string& directory : directories)
            for (const std::string& name : lookup_.names(directory + "/" + owner + ".d"))
                if (name.ends_with(".conf"))
                    files.try_emplace(name, directory + "/" + owner + ".d/" + name);
    for (const auto& [name, path] : files)
        if (const std::optional<std::string> text = lookup_.text(path)) {
            read_unit_text(unit.text, *text, path);
            unit.files.push_back(path);
        }
}

// The units that have a link in NAME.wants/ or NAME.requires/.
std::vector<std::string> Gatherer::linked(const Directories& directories, const std::string& name,
                                          std::string_view kind) const {
    std::vector<std::string> units;
    for (const std::string& directory : directories)
        for (std::string& unit : lookup_.names(directory + "/" + name + std::string(kind)))
            add_once(units, std::move(unit));
    return units;
}

// True if a socket or timer becomes part of the unit. Distributions ship sockets that are disabled; converting the
// service must not open their ports. So a socket is part of the unit only if the user named it, if the service names
// it, if nothing else starts the service, or if the socket is enabled.
bool Gatherer::belongs(const Directories& directories, const SystemdUnit& service, const std::string& activator) const {
    if (std::ranges::find(asked_for_, activator) != asked_for_.end())
        return true;
    bool installed = links_ != nullptr && links_->enables(service.name);
    for (const Assignment& each : service.text.assignments) {
        // What Also= names is in use once it is enabled, which its links say where there are any to look at.
        if (is_one_of(each.key,
                      links_ != nullptr ? "Requires Wants BindsTo Sockets" : "Requires Wants BindsTo Sockets Also") &&
            is_one_of(activator, each.value))
            return true;
        installed = installed ||
                    (each.section == "Install" && is_one_of(each.key, "WantedBy RequiredBy") && !each.value.empty());
    }
    if (!installed)
        return true;
    for (std::string_view target : {"sockets.target", "timers.target", "paths.target", "multi-user.target"}) {
        const std::vector<std::string> names = linked(directories, std::string(target), ".wants");
        if (std::ranges::find(names, activator) != names.end())
            return true;
    }
    return false;
}

const std::vector<Gatherer::Activator>& Gatherer::activators(const Directories& directories) {
    auto [at, fresh] = activators_.try_emplace(directories.front());
    if (!fresh)
        return at->second;
    std::vector<std::string> seen;
    for (const std::string& directory : directories)
        for (const std::string& name : lookup_.names(directory)) {
            const KindRow* kind = kind_of(name);
            if (kind == nullptr || !is_activator(*kind) || std::ranges::find(seen, name) != seen.end())
                continue;
            seen.push_back(name);
            std::optional<SystemdUnit> unit = read(directories, name, directory + "/" + name);
            if (!unit)
                continue;
            const bool accepts = kind->kind == Kind::socket && truth(unit->text.value("Socket", "Accept")) == true;
            std::string target(unit->text.value(kind->section, kind->names_target));
            if (target.empty() || accepts)
                target = stem_of(name) + (accepts ? "@.service" : ".service");
            at->second.push_back({std::move(*unit), std::move(target), accepts});
        }
    return at->second;
}

void Gatherer::add_activators(const Directories& directories, const std::vector<Activator>& all,
                              UnitSource& source) const {
    const std::string service = source.main().name;
    for (const Activator& each : all) {
        if (each.target != service)
            continue;
        if (!belongs(directories, source.main(), each.unit.name)) {
            source.left_out.push_back(each.unit.name);
            continue;
        }
        source.units.push_back(each.unit);
        if (!each.accepts)
            continue;
        // The instances of this template are connections: the unit gets the name of the socket.
        source.accepts = true;
        const std::string stem = stem_of(each.unit.name);
        const bool taken = !find_in(directories, stem + ".service").empty();
        source.name = own_name(stem + (taken ? "-socket" : "") + ".service");
    }
}

std::expected<UnitSource, std::string> Gatherer::gather(const std::string& path) {
    std::string name(file_name(path));
    const Directories directories = directories_for(path);
    const std::vector<Activator>& all = activators(directories);
    std::string where =
        lookup_.text(path) ? path : find_in(directories, name); // an instance uses the file of its template
    // A socket or a timer becomes part of the service that it starts.
    if (is_activator(*kind_of(name))) {
        const auto self = std::ranges::find_if(all, [&](const Activator& each) { return each.unit.name == name; });
        if (self == all.end())
            return std::unexpected("it cannot be read");
        name = self->target;
        if (suffix_of(name) != ".service")
            return std::unexpected("what it starts, " + name + ", is no service");
        where = find_in(directories, name);
        if (where.empty())
            return std::unexpected("there is no " + name + " beside it or on the search path");
    }
    if (lookup_.is_mask(path))
        return std::unexpected("it is masked: nothing starts it");
    std::optional<SystemdUnit> main = read(directories, name, where);
    if (!main)
        return std::unexpected("there is no such unit, or it cannot be read");
    UnitSource source{own_name(name), {std::move(*main)}, false, {}, {}, search_path_, lookup_, links_};
    if (source.main().kind == Kind::service)
        add_activators(directories, all, source);
    if (source.name.empty())
        return std::unexpected("its name is none that a unit can have here");
    source.specifiers = Specifiers(name, source.name);
    if (source.accepts)
        source.specifiers.forget_instance();
    return source;
}

} // namespace mi::convert
