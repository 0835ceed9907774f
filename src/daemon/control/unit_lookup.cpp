#include "daemon/control/unit_lookup.hpp"

#include "base/text.hpp"

namespace mi::daemon {

using core::UnitId;

namespace {

constexpr std::size_t most_idle_instances = 256;

} // namespace

// What is to be started is what its file says now.
void UnitLookup::read_again(const std::vector<std::string>& names) {
    std::vector<UnitId> units;
    for (const std::string& name : names)
        if (UnitId unit = parts_.engine.graph().find(name); unit != core::no_unit)
            units.push_back(unit);
    parts_.catalog.files.read_again(units);
}

// About the file of a unit that cannot be used: `start` reads it again, unless the unit runs.
std::string UnitLookup::what_to_do(UnitId unit) const {
    return core::active(parts_.engine.record(unit).phase)
               ? "; it goes on as it was started, and `minictl reload-units` reads its file when that is mended"
               : "";
}

bool UnitLookup::can_restart(CallId id, const std::vector<UnitId>& units) {
    const core::Engine& engine = parts_.engine;
    for (UnitId unit : units) {
        const std::string& fault = engine.last_read(unit).fault;
        if (core::active(engine.record(unit).phase) && (engine.is_gone(unit) || !fault.empty())) {
            parts_.control->error(id,
                                  wire::InvalidUnit{engine.graph().name(unit),
                                                    (fault.empty() ? "its file is gone" : fault) + what_to_do(unit)});
            return false;
        }
    }
    return true;
}

// Something that is named and is no unit.
bool UnitLookup::unknown(UnitId unit) const {
    return unit == core::no_unit || core::is_phantom(parts_.engine.graph().unit(unit));
}

bool UnitLookup::find(CallId id, const std::vector<std::string>& names, Named which, std::vector<UnitId>& ids) {
    const bool startable = which == Named::startable;
    if (startable)
        read_again(names);
    std::vector<bool> seen; // a unit that is named ten thousand times, by a name or an alias, is one
    for (const std::string& name : names) {
        UnitId unit = parts_.engine.graph().find(name);
        // To read a file takes as long as all of a bundle takes to read: anybody else could hold us up with that.
        if (unknown(unit) && (startable || (which == Named::templates && name.contains('@') &&
                                            parts_.catalog.files.idle_instances() < most_idle_instances)))
            unit = parts_.catalog.files.find_or_read(name);
        const core::Graph& graph = parts_.engine.graph();
        if (unknown(unit)) {
            std::vector<std::string_view> known;
            for (UnitId other : graph.ids())
                if (other != unit)
                    known.push_back(graph.name(other));
            wire::NoSuchUnit error{name, {}};
            if (std::string_view near = nearest(name, known); !near.empty())
                error.nearest = near;
            parts_.control->error(id, error);
            return false;
        }
        const core::Unit& said = parts_.engine.last_read(unit);
        if (startable && said.masked) {
            parts_.control->error(id, wire::Masked{name});
            return false;
        }
        if (startable && !said.fault.empty()) {
            parts_.control->error(id, wire::InvalidUnit{name, said.fault + what_to_do(unit)});
            return false;
        }
        if (seen.size() < graph.size())
            seen.resize(graph.size());
        if (!seen[unit])
            ids.push_back(unit);
        seen[unit] = true;
    }
    return true;
}

} // namespace mi::daemon
