#include "convert/gather.hpp"

#include "convert/names.hpp"
#include "convert/values.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string_view suffix_of(std::string_view unit) {
    std::size_t dot = unit.rfind('.');
    return dot == std::string_view::npos ? std::string_view{} : unit.substr(dot);
}
std::string_view stem_of(std::string_view unit) { return unit.substr(0, unit.rfind('.')); }

std::optional<Part::Kind> kind_of(std::string_view unit) {
    const std::string_view suffix = suffix_of(unit);
    if (suffix == ".service")
        return Part::Kind::service;
    if (suffix == ".socket")
        return Part::Kind::socket;
    if (suffix == ".timer")
        return Part::Kind::timer;
    if (suffix == ".target")
        return Part::Kind::target;
    if (suffix == ".path")
        return Part::Kind::path;
    return std::nullopt;
}

// `foo@.service` of `foo@bar.service`; empty where it is no instance.
std::string template_of(std::string_view unit) {
    std::size_t at = unit.find('@'), dot = unit.rfind('.');
    if (at == std::string_view::npos || dot == std::string_view::npos || at + 1 >= dot)
        return {};
    return std::string(unit.substr(0, at + 1)) + std::string(unit.substr(dot));
}

// The last value of a key; empty: none.
std::string value_of(const Part& part, std::string_view section, std::string_view key) {
    std::string value;
    for (const Assignment& each : part.text.assignments)
        if (each.section == section && each.key == key)
            value = each.value;
    return value;
}

std::string_view section_of(Part::Kind kind) {
    switch (kind) {
    case Part::Kind::service: return "Service";
    case Part::Kind::socket: return "Socket";
    case Part::Kind::timer: return "Timer";
    case Part::Kind::path: return "Path";
    case Part::Kind::target: return "Unit";
    }
    __builtin_unreachable();
}

} // namespace

Gatherer::Gatherer(const Place& place, const Lookup& lookup, std::span<const std::string> files)
    : place_(place), lookup_(lookup) {
    for (const std::string& file : files)
        asked_for_.emplace_back(file_name(file));
}

// A socket that a distribution ships switched off must not open a port because somebody converts its service. It counts
// where it was named, where the service names it or has no other way to be started, and where it is switched on.
bool Gatherer::belongs(const std::vector<std::string>& directories, const Part& service,
                       const Activator& activator) const {
    const std::string& unit = activator.part.unit;
    if (std::ranges::find(asked_for_, unit) != asked_for_.end())
        return true;
    bool installed = false;
    for (const Assignment& each : service.text.assignments) {
        if (each.key == "Requires" || each.key == "Wants" || each.key == "BindsTo" || each.key == "Sockets" ||
            each.key == "Also")
            for (std::string_view name : blank_separated(each.value))
                if (name == unit)
                    return true;
        installed = installed || (each.section == "Install" && (each.key == "WantedBy" || each.key == "RequiredBy") &&
                                  !each.value.empty());
    }
    if (!installed)
        return true;
    for (const std::string& directory : directories)
        for (std::string_view target : {"sockets", "timers", "paths", "multi-user"})
            for (const std::string& name : lookup_.names(directory + "/" + std::string(target) + ".target.wants"))
                if (name == unit)
                    return true;
    return false;
}

std::string Gatherer::find(std::string_view name) const { return find_in(place_.directories, name); }

std::string Gatherer::find_in(const std::vector<std::string>& directories, std::string_view name) const {
    const std::string whole = template_of(name);
    for (std::string_view wanted : {name, std::string_view(whole)})
        for (const std::string& directory : directories)
            if (std::string path = directory + "/" + std::string(wanted);
                !wanted.empty() && lookup_.text(path).has_value())
                return path;
    return {};
}

std::optional<Part> Gatherer::read(const std::vector<std::string>& directories, std::string_view unit,
                                   std::string path) {
    std::optional<Part::Kind> kind = kind_of(unit);
    std::optional<std::string> text = lookup_.text(path);
    if (!kind || !text)
        return std::nullopt;
    Part part;
    part.kind = *kind;
    part.unit = unit;
    read_unit_text(part.text, *text, path);
    part.files.push_back(std::move(path));
    add_drop_ins(directories, part);
    add_links(directories, part);
    return part;
}

void Gatherer::add_drop_ins(const std::vector<std::string>& directories, Part& part) {
    // Those of the unit itself go before those of its template, of the beginnings of its name, and of its kind.
    std::vector<std::string> owners = {part.unit};
    const std::string suffix(suffix_of(part.unit)), stem(stem_of(part.unit));
    if (std::string whole = template_of(part.unit); !whole.empty())
        owners.push_back(std::move(whole));
    for (std::size_t dash = stem.rfind('-', stem.size() - 2); dash != std::string::npos && dash > 0;
         dash = stem.rfind('-', dash - 1))
        owners.push_back(stem.substr(0, dash + 1) + suffix);
    owners.push_back(suffix.substr(1));
    std::map<std::string, std::string> files; // by name: the first one counts
    for (const std::string& owner : owners)
        for (const std::string& directory : directories)
            for (const std::string& name : lookup_.names(directory + "/" + owner + ".d"))
                if (name.ends_with(".conf"))
                    files.try_emplace(name, directory + "/" + owner + ".d/" + name);
    for (const auto& [name, path] : files)
        if (std::optional<std::string> text = lookup_.text(path)) {
            read_unit_text(part.text, *text, path);
            part.files.push_back(path);
        }
}

void Gatherer::add_links(const std::vector<std::string>& directories, Part& part) {
    auto take = [&](std::string_view kind, std::vector<std::string>& to) {
        for (const std::string& directory : directories)
            for (const std::string& name : lookup_.names(directory + "/" + part.unit + std::string(kind)))
                if (std::find(to.begin(), to.end(), name) == to.end())
                    to.push_back(name);
    };
    take(".wants", part.wants);
    take(".requires", part.requires_);
}

const std::vector<Gatherer::Activator>& Gatherer::activators(const std::vector<std::string>& directories) {
    auto [at, fresh] = activators_.try_emplace(directories.front());
    if (!fresh)
        return at->second;
    std::vector<std::string> seen;
    for (const std::string& directory : directories)
        for (const std::string& name : lookup_.names(directory)) {
            std::optional<Part::Kind> kind = kind_of(name);
            if (!kind || *kind == Part::Kind::service || *kind == Part::Kind::target ||
                std::find(seen.begin(), seen.end(), name) != seen.end())
                continue;
            seen.push_back(name);
            std::optional<Part> part = read(directories, name, directory + "/" + name);
            if (!part)
                continue;
            const std::string section(section_of(*kind));
            Activator activator{std::move(*part), {}, false};
            activator.accept =
                *kind == Part::Kind::socket && truth(value_of(activator.part, section, "Accept")) == true;
            activator.target = value_of(activator.part, section, *kind == Part::Kind::socket ? "Service" : "Unit");
            if (activator.target.empty() || activator.accept)
                activator.target = std::string(stem_of(name)) + (activator.accept ? "@.service" : ".service");
            at->second.push_back(std::move(activator));
        }
    return at->second;
}

void Gatherer::add_activators(const std::vector<std::string>& directories, const std::vector<Activator>& all,
                              Gathered& gathered) {
    const std::string unit = gathered.parts.front().unit;
    for (const Activator& each : all) {
        if (each.target != unit)
            continue;
        if (!belongs(directories, gathered.parts.front(), each)) {
            gathered.left_out.push_back(each.part.unit);
            continue;
        }
        gathered.parts.push_back(each.part);
        if (!each.accept)
            continue;
        // A template whose instances are connections is called like the socket.
        gathered.accepts = true;
        const std::string stem(stem_of(each.part.unit));
        const bool taken = !find_in(directories, stem + ".service").empty();
        gathered.name = own_name(stem + (taken ? "-socket" : "") + ".service");
    }
}

Gathered Gatherer::gather(const std::string& path) {
    Gathered gathered;
    std::string unit(file_name(path));
    auto fail = [&](std::string why) {
        gathered.name = own_name(unit);
        gathered.fault = std::move(why);
        return std::move(gathered);
    };
    std::vector<std::string> directories = place_.directories;
    if (std::size_t slash = path.rfind('/'); slash == std::string::npos)
        directories.insert(directories.begin(), ".");
    else if (std::string own = path.substr(0, slash);
             std::find(directories.begin(), directories.end(), own) == directories.end())
        directories.insert(directories.begin(), own);
    std::optional<Part::Kind> kind = kind_of(unit);
    const std::vector<Activator>& all = activators(directories);
    std::string where = lookup_.text(path) ? path : find_in(directories, unit); // an instance has no file of its own
    // A socket or a timer leads to the service that it starts.
    if (*kind != Part::Kind::service && *kind != Part::Kind::target) {
        auto self = std::ranges::find_if(all, [&](const Activator& each) { return each.part.unit == unit; });
        if (self == all.end())
            return fail("it cannot be read");
        if (kind_of(self->target) != Part::Kind::service)
            return fail("what it starts, " + self->target + ", is no service");
        unit = self->target;
        where = find_in(directories, unit);
        if (where.empty())
            return fail("there is no " + unit + " beside it or on the search path");
        kind = Part::Kind::service;
    }
    if (lookup_.is_mask(path))
        return fail("it is masked: nothing starts it");
    std::optional<Part> main = read(directories, unit, where);
    if (!main)
        return fail("there is no such unit, or it cannot be read");
    gathered.name = own_name(unit);
    gathered.parts.push_back(std::move(*main));
    if (*kind == Part::Kind::service)
        add_activators(directories, all, gathered);
    if (gathered.name.empty())
        return fail("its name is none that a unit can have here");
    return gathered;
}

} // namespace mi::convert
