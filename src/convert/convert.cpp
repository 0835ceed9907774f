#include "convert/convert.hpp"

#include "convert/draft.hpp"
#include "convert/gather.hpp"
#include "convert/names.hpp"
#include "convert/script.hpp"

#include <algorithm>

namespace mi::convert {

namespace {

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_unit_file(std::string_view name) {
    return std::ranges::any_of(
        std::initializer_list<std::string_view>{".service", ".socket", ".timer", ".target", ".path"},
        [&](std::string_view suffix) { return name.ends_with(suffix) && name.size() > suffix.size(); });
}

// Why a kind of unit has nothing to become.
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

Unit make(Gathered gathered, const Place& place, const Lookup& lookup) {
    Draft draft(gathered.name, std::move(gathered.parts), place, lookup);
    draft.accepts = gathered.accepts;
    if (draft.accepts)
        draft.specifiers.forget_instance();
    for (const Part& part : draft.parts)
        if (part.kind == Part::Kind::path)
            (void)draft.last(part, "Path", "Unit"); // the one that this is part of
    for (const std::string& other : gathered.left_out)
        draft.say(draft.main().files.front(), 0, Weight::note,
                  other + " could start it, too, but is not known to be in use: name it as well to have it converted");
    convert_relations(draft);
    convert_conditions(draft);
    if (draft.main().kind == Part::Kind::target) {
        convert_target(draft);
    } else {
        convert_sockets(draft);
        convert_service(draft);
        convert_process(draft);
        convert_confinement(draft);
        convert_commands(draft);
        convert_cgroup(draft);
        convert_timers(draft);
    }
    report_rest(draft);
    return draft.finish();
}

class Converter {
public:
    Converter(const Place& place, const Lookup& lookup, std::span<const std::string> files)
        : place_(place), lookup_(lookup), gatherer_(place, lookup, files) {}

    void take(const std::string& file) {
        std::string path = where(file);
        const std::string name(file_name(path));
        auto fail = [&](std::string why) {
            Unit unit;
            unit.name = name;
            unit.files.push_back(path);
            unit.fault = std::move(why);
            units.push_back(std::move(unit));
        };
        if (std::string_view why = no_such_kind(name); !why.empty())
            return fail(std::string(why));
        if (!is_unit_file(name)) {
            std::optional<std::string> text = lookup_.text(path);
            if (!text)
                return fail("there is no such unit or init script, or it cannot be read");
            if (!is_init_script(*text))
                return fail("it is neither a unit file nor an init script");
            return add(convert_script(path, *text, place_, lookup_));
        }
        Gathered gathered = gatherer_.gather(path);
        if (!gathered.fault.empty())
            return fail(std::move(gathered.fault));
        // The other half of what was named before.
        if (std::ranges::any_of(units, [&](const Unit& each) {
                return each.name == gathered.name && each.files.front() == gathered.parts.front().files.front();
            }))
            return;
        add(make(std::move(gathered), place_, lookup_));
    }

    std::vector<Unit> units;

private:
    // A name that is no file is looked for where units and init scripts are.
    [[nodiscard]] std::string where(const std::string& file) const {
        if (file.find('/') != std::string::npos || lookup_.text(file))
            return file;
        for (std::string_view suffix : {"", ".service", ".timer", ".socket", ".target"})
            if (std::string found =
                    is_unit_file(file + std::string(suffix)) ? gatherer_.find(file + std::string(suffix)) : "";
                !found.empty()) {
                // Of a template the instance that was meant.
                std::size_t slash = found.rfind('/');
                return found.substr(0, slash + 1) + file + std::string(suffix);
            }
        if (std::string script = place_.root + "/etc/init.d/" + file; lookup_.text(script))
            return script;
        return file;
    }

    void add(Unit unit) {
        for (const Unit& each : units)
            if (each.name == unit.name && each.fault.empty() && unit.fault.empty())
                unit.fault = "another one, from " + each.files.front() + ", would have the same name";
        units.push_back(std::move(unit));
    }

    const Place& place_;
    const Lookup& lookup_;
    Gatherer gatherer_;
};

} // namespace

Place place_of(std::string root) {
    while (root.ends_with('/'))
        root.pop_back();
    Place place{std::move(root), {}};
    for (std::string_view directory : {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
                                       "/usr/lib/systemd/system", "/lib/systemd/system"})
        place.directories.push_back(place.root + std::string(directory));
    return place;
}

std::vector<Unit> convert(std::span<const std::string> files, const Place& place, const Lookup& lookup) {
    Converter converter(place, lookup, files);
    for (const std::string& file : files)
        converter.take(file);
    return std::move(converter.units);
}

} // namespace mi::convert
