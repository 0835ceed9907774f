#include "daemon/units/first_wanted.hpp"

#include "config/load.hpp"

namespace mi::daemon {

std::vector<std::string> first_wanted(const core::Graph& graph, std::string_view target) {
    const core::UnitId id = graph.find(target);
    const bool none = id == core::no_unit;
    if (!none && !graph.unit(id).source.starts_with(std::string(config::shipped_units) + "/"))
        return {};
    std::vector<std::string> names;
    for (core::UnitId unit : graph.ids()) {
        const core::Unit& file = graph.unit(unit);
        if (file.enabled && file.fault.empty() && (none || file.in_bundle))
            names.push_back(graph.name(unit));
    }
    return names;
}

} // namespace mi::daemon
