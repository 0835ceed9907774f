#include "daemon/units/unit_files.hpp"

#include "daemon/machine/builtin.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_map>

namespace mi::daemon {

core::UnitId UnitFiles::find_or_read(const std::string& name) {
    const core::UnitId id = context_.graph().find(name);
    if (id != core::no_unit && !core::is_phantom(context_.unit(id)))
        return id;
    config::Loaded loaded = config::load_one(context_.place.source, name);
    if (loaded.units.empty())
        return id;
    add(std::move(loaded.units.front()));
    return context_.graph().find(name);
}

namespace {

constexpr std::size_t read_one_by_one = 16; // more are read with all others at once

bool says_the_same(const core::Unit& one, const core::Unit& other) {
    return one.digest == other.digest && one.fault == other.fault && one.masked == other.masked &&
           one.source == other.source && one.enabled == other.enabled;
}

} // namespace

config::Loaded UnitFiles::units_of_files(const std::vector<std::string>& names) const {
    if (names.size() > read_one_by_one)
        return config::load(context_.place.source, names);
    config::Loaded all;
    for (const std::string& name : names) {
        config::Loaded one = config::load_one(context_.place.source, name);
        std::ranges::move(one.units, std::back_inserter(all.units));
        std::ranges::move(one.problems, std::back_inserter(all.problems));
    }
    return all;
}

void UnitFiles::read_again(const std::vector<core::UnitId>& ids) {
    std::vector<std::string> names;
    for (core::UnitId id : ids) {
        const core::Phase phase = context_.record(id).phase;
        // Units that PID 1 made itself are in no file.
        if (!core::active(phase) && !context_.unit(id).source.empty())
            names.push_back(context_.name(id));
    }
    if (names.empty())
        return;
    context_.now = context_.kernel.now();
    config::Loaded loaded = units_of_files(names);
    std::unordered_map<std::string, core::Unit*> by_name;
    for (core::Unit& unit : loaded.units)
        by_name.emplace(unit.name, &unit);
    bool changed = false;
    for (const std::string& name : names) {
        auto at = by_name.find(name);
        if (at == by_name.end() && !loaded.problems.empty())
            continue; // what cannot be read at all takes nothing away
        if (core::UnitId id = context_.graph().find(name); id != core::no_unit)
            changed = take_again(at != by_name.end() ? at->second : nullptr, id) || changed;
    }
    if (changed)
        for (Subsystem* subsystem : subsystems_)
            subsystem->units_reread();
}

// `fresh`: what its file says; null: it is gone. True: that is something else than before.
bool UnitFiles::take_again(core::Unit* fresh, core::UnitId id) {
    if (fresh == nullptr) {
        remove(id);
        return true;
    }
    if (says_the_same(*fresh, context_.unit(id)))
        return false;
    add(core::Unit(std::move(*fresh)));
    return true;
}

std::string UnitFiles::staleness(core::UnitId id) const {
    const core::Unit& unit = context_.unit(id);
    if (!core::active(context_.record(id).phase) || unit.source.empty() || context_.engine.later(id) != nullptr)
        return {};
    const config::Loaded loaded = config::load_one(context_.place.source, unit.name);
    if (!loaded.units.empty() && loaded.units.front().digest == unit.digest && loaded.units.front().fault == unit.fault)
        return {};
    return loaded.units.empty() ? "its file is gone, which `minictl reload-units` takes note of"
                                : "its file has changed since it was read: `minictl reload-units` reads it";
}

std::size_t UnitFiles::idle_instances() const {
    return static_cast<std::size_t>(std::ranges::count_if(context_.graph().ids(), [this](core::UnitId id) {
        return !context_.unit(id).instance.empty() && !core::active(context_.record(id).phase);
    }));
}

void UnitFiles::add(core::Unit unit) {
    std::vector<std::string> named;
    for (const core::Dependency& dependency : unit.dependencies)
        named.push_back(dependency.unit);
    context_.engine.add(std::move(unit), context_.now);
    context_.units.fit(context_.graph().size());
    for (const std::string& name : named)
        (void)find_or_read(name);
}

void UnitFiles::remove(core::UnitId unit) { forget(context_.engine.remove(unit, context_.now)); }

UnitFiles::Reread UnitFiles::reread() {
    Reread result;
    context_.now = context_.kernel.now();
    config::Loaded loaded = load_again(result);
    add_own_units(loaded);
    take_settings(std::move(loaded.manager));
    forget(context_.engine.replace(std::move(loaded.units), context_.now));
    for (Subsystem* subsystem : subsystems_)
        subsystem->units_reread();
    for (const std::string& problem : context_.graph().problems())
        result.problems.push_back(problem);
    for (const core::Graph::Warning& warning : context_.graph().warnings())
        result.problems.push_back(warning.text);
    return result;
}

// Reads the files, and compares them with the units there are.
config::Loaded UnitFiles::load_again(Reread& result) {
    std::vector<std::string> also; // instances that were made at run time stay as long as they are in use
    std::unordered_map<std::string, std::uint64_t> old;
    for (core::UnitId id : context_.graph().ids()) {
        const core::Unit& unit = context_.unit(id);
        if (!core::is_phantom(unit) && !unit.source.empty()) // what PID 1 made itself is in no file
            old.emplace(unit.name, unit.digest);
        if (!unit.instance.empty() && core::active(context_.record(id).phase))
            also.push_back(unit.name);
    }
    config::Loaded loaded = config::load(context_.place.source, also);
    for (const config::Problem& problem : loaded.problems)
        result.problems.push_back(config::brief(problem));
    std::set<std::string> fresh;
    for (const core::Unit& unit : loaded.units) {
        fresh.insert(unit.name);
        auto at = old.find(unit.name);
        if (at == old.end())
            result.added.push_back(unit.name);
        else if (at->second != unit.digest)
            result.changed.push_back(unit.name);
    }
    for (const auto& [name, digest] : old)
        if (!fresh.contains(name))
            result.removed.push_back(name);
    std::ranges::sort(result.removed);
    return loaded;
}

// Units that PID 1 made itself are in no file: they come along.
void UnitFiles::add_own_units(config::Loaded& loaded) const {
    auto own = [this](const std::string& name) -> const core::Unit* {
        const core::UnitId id = context_.graph().find(name);
        return id != core::no_unit && context_.unit(id).source.empty() ? &context_.unit(id) : nullptr;
    };
    if (own(builtin_name) != nullptr)
        add_machine_units(loaded.units, loaded.manager);
    if (const core::Unit* entry = own(entry_))
        loaded.units.push_back(entry_unit(entry->service.command));
}

// Settings that only matter for what is started later are in force at once.
void UnitFiles::take_settings(core::ManagerSettings settings) {
    context_.settings = std::move(settings);
    context_.surroundings.refresh();
    settings_read_();
}

// What refers to units that are gone is dropped.
void UnitFiles::forget(const std::vector<core::UnitId>& gone) {
    context_.units.fit(context_.graph().size());
    for (core::UnitId id : gone) {
        for (Subsystem* subsystem : subsystems_)
            subsystem->unit_gone(id);
        effects_.drop(id);
        context_.units[id] = {};
    }
}

} // namespace mi::daemon
