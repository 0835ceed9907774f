#include "daemon/units/first_wanted.hpp"

namespace mi::daemon {

std::vector<std::string> first_wanted(const core::Graph& graph, std::string_view target) {
    const core::UnitId id = graph.find(target);
    const bool none = id == core::no_unit;
    if (!none && !graph.unit(id).source.starts_with("/usr/lib/miniinit/"))
        return {};
    std::vector<std::string> names;
    for (core::UnitId unit : graph.ids()) {
        const core::Unit& file = graph.unit(unit);
        const bool of_bundle = file.source.find(" [units.") != std::string::npos;
        if (file.enabled && file.fault.empty() && (none || of_bundle))
            names.push_back(graph.name(unit));
    }
    return names;
}

} // namespace mi::daemon
