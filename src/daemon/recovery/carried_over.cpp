// The state of an init in another root that has handed on to this one: what of it goes on here.
#include "daemon/recovery/restore.hpp"

#include <unordered_set>

namespace mi::daemon {

void leave_behind(state::Snapshot& state) {
    std::erase_if(state.units, [](const auto& one) { return one.second.record.next != core::Next::keep; });
    auto gone = [&](core::UnitId unit) { return !state.units.contains(unit); };
    std::erase_if(state.processes, [&](const auto& one) { return gone(one.second.unit); });
    std::erase_if(state.effects, [&](const state::EffectImage& effect) { return gone(effect.unit); });
    for (auto& [id, image] : state.units) {
        image.record.next = core::Next::as_wanted;
        image.record.cause = core::no_unit;
        image.record.asked = core::Asked::up;
        image.starting = image.up = Span{0}; // that was no part of this boot
    }
    // The collector has ended with the old root, and a new one begins with all that it has left.
    state.manager.log_pid = 0;
    state.manager.log_finishing = false;
    state.manager.log_directory.clear();
    state.manager.premises = -1; // it looks at the old root
}

void only_carried(const state::Snapshot& state, std::vector<core::Unit>& units) {
    std::unordered_set<std::string> names;
    for (const auto& [id, image] : state.units)
        names.insert(image.name);
    std::erase_if(units, [&](const core::Unit& unit) { return !names.contains(unit.name); });
    for (core::Unit& unit : units)
        unit.dependencies.clear(); // of all that, nothing is up yet
}

} // namespace mi::daemon
