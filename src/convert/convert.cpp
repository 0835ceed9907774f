#include "convert/convert.hpp"

#include "convert/gather.hpp"
#include "convert/names.hpp"
#include "convert/script.hpp"
#include "convert/step.hpp"

namespace mi::convert {

namespace {

// Converts a service with its sockets and timers. Each step gets the results of earlier steps that it needs.
StepOutput convert_service_units(const UnitSource& source, const Relations& relations) {
    StepOutput made;
    Sockets sockets = convert_sockets(source, !source.accepts && !relations.installed);
    made.add(std::move(sockets.output));
    Service service = convert_service(source);
    made.add(std::move(service.output));
    made.add(convert_rows(source, source.main(), "Service"));
    const Identity identity = identity_of(source);
    made.add(convert_process(source, identity, sockets.count));
    Confinement confinement = convert_confinement(source, identity);
    made.add(std::move(confinement.output));
    made.add(convert_commands(source, identity, service, confinement.commands));
    made.add(convert_timers(source));
    return made;
}

// The path of a file that the user has named. A name that is no file is searched for among units and init scripts.
std::string path_of(const std::string& file, const Gatherer& gatherer, const SearchPath& search_path,
                    const Lookup& lookup) {
    if (file.find('/') != file.npos || lookup.text(file))
        return file;
    for (std::string_view suffix : {"", ".service", ".timer", ".socket", ".target"}) {
        const std::string name = file + std::string(suffix);
        if (const std::string found = is_unit_file(name) ? gatherer.find(name) : ""; !found.empty())
            return found.substr(0, found.rfind('/') + 1) + name; // for an instance, `found` is its template
    }
    const std::string script = search_path.root + "/etc/init.d/" + file;
    return lookup.text(script) ? script : file;
}

// Converts one file. Returns nullopt if the file is part of one of `units`, which were made before.
std::optional<Unit> convert_file(const std::string& path, std::span<const Unit> units, Gatherer& gatherer,
                                 const SearchPath& search_path, const Lookup& lookup) {
    std::string name(file_name(path));
    auto fail = [&](std::string_view why) { return Unit{std::move(name), {}, {}, {path}, std::string(why)}; };
    if (const std::string_view why = no_such_kind(name); !why.empty())
        return fail(why);
    if (!is_unit_file(name)) {
        const std::optional<std::string> text = lookup.text(path);
        if (!text)
            return fail("there is no such unit or init script, or it cannot be read");
        if (!is_init_script(*text))
            return fail("it is neither a unit file nor an init script");
        return convert_script(path, *text, search_path, lookup);
    }
    const std::expected<UnitSource, std::string> source = gatherer.gather(path);
    if (!source)
        return fail(source.error());
    for (const Unit& each : units)
        if (each.name == source->name && each.files.front() == source->file())
            return std::nullopt;
    return convert_source(*source);
}

} // namespace

// Converts one unit: each row of the table and each step reads the directives from the UnitSource; their outputs are
// joined; directives that no step has read are reported; the result is TOML and remarks.
Unit convert_source(const UnitSource& source) {
    StepOutput made;
    for (const std::string& other : source.left_out)
        made.say(source.file(), 0, Weight::note,
                 other + " could start it, too, but is not known to be in use: name it as well to have it converted");
    // The main unit comes last, because its values replace those of its sockets and timers.
    for (auto unit = source.units.rbegin(); unit != source.units.rend(); ++unit)
        made.add(convert_rows(source, *unit, "Unit"));
    Relations relations = convert_relations(source);
    made.add(std::move(relations.output));
    made.add(convert_conditions(source));
    if (source.main().kind == SystemdUnit::Kind::service)
        made.add(convert_service_units(source, relations));
    made.add(report_rest(source, made.taken));
    std::vector<std::string> files;
    for (const SystemdUnit& unit : source.units)
        files.insert(files.end(), unit.files.begin(), unit.files.end());
    return finish(std::move(made), source.name, std::move(files));
}

SearchPath search_path_of(std::string root) {
    while (root.ends_with('/'))
        root.pop_back();
    SearchPath search_path{std::move(root), {}};
    for (std::string_view directory : {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
                                       "/usr/lib/systemd/system", "/lib/systemd/system"})
        search_path.directories.push_back(search_path.root + std::string(directory));
    return search_path;
}

std::vector<Unit> convert(std::span<const std::string> files, const SearchPath& search_path, const Lookup& lookup) {
    Gatherer gatherer(search_path, lookup, files);
    std::vector<Unit> units;
    for (const std::string& file : files) {
        const std::string path = path_of(file, gatherer, search_path, lookup);
        std::optional<Unit> made = convert_file(path, units, gatherer, search_path, lookup);
        if (!made)
            continue;
        for (const Unit& each : units)
            if (each.name == made->name && each.fault.empty() && made->fault.empty())
                made->fault = "another one, from " + each.files.front() + ", would have the same name";
        units.push_back(std::move(*made));
    }
    return units;
}

} // namespace mi::convert
