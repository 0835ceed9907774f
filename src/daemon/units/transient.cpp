// Units that exist only as long as they run: made by a call, kept in a file of the run directory (so that everything that
// reads units finds them too), gone when they have come to rest. One that failed stays until somebody has seen to it.
#include "base/directory.hpp"
#include "daemon/supervisor.hpp"
#include "os/runtime.hpp"

#include <unistd.h>

#include <algorithm>

namespace mi::daemon {

using core::Event;
using core::Phase;

void clear_transient(const Place& place, const std::vector<std::string>& but) {
    const auto entries = list_directory(place.source.transient);
    if (!entries)
        return; // none was ever made
    for (const auto& [file, type] : *entries)
        if (std::string_view name = file;
            name.ends_with(".toml") && std::ranges::find(but, name.substr(0, name.size() - 5)) == but.end())
            (void)::unlink((place.source.transient + "/" + file).c_str());
}

std::string Supervisor::transient_file(const std::string& name) const {
    return context_.place.source.transient + "/" + name + ".toml";
}

bool Supervisor::is_transient(const core::Unit& unit) const {
    return !context_.place.source.transient.empty() &&
           unit.source == context_.place.source.root + transient_file(unit.name);
}

std::expected<core::UnitId, std::string> Supervisor::make_transient(const std::string& name, const std::string& text) {
    if (std::string_view wrong = config::name_fault(name); !wrong.empty() || name.find('@') != std::string::npos)
        return std::unexpected("\"" + name + "\" cannot name it" + (wrong.empty() ? "" : ": " + std::string(wrong)));
    // One of that name that has ended, and was kept because it failed, makes room.
    if (core::UnitId same = context_.graph().find(name); same != core::no_unit) {
        const core::Unit& unit = context_.unit(same);
        const bool phantom = core::is_phantom(unit);
        if (!phantom && !is_transient(unit))
            return std::unexpected("there is a unit " + name + " already, of " + unit.source);
        if (!phantom && (core::active(context_.record(same).phase) || context_.record(same).phase == Phase::backoff))
            return std::unexpected(name + " is running already");
    }
    if (auto made = os::make_directory(context_.place.source.transient, 0700); !made)
        return std::unexpected(made.error().text());
    // The environment in it may be confidential.
    if (auto written = os::write_file_atomically(transient_file(name), text, 0600); !written)
        return std::unexpected(written.error().text());
    config::Loaded loaded = config::load_one(context_.place.source, name);
    std::string wrong;
    if (loaded.units.empty() || !is_transient(loaded.units.front()))
        wrong = "another unit " + name + " has appeared; `minictl reload-units` would read it";
    else if (!loaded.units.front().fault.empty())
        wrong = loaded.units.front().fault;
    else if (loaded.units.front().kind != core::Kind::service)
        wrong = "only a service can be run";
    if (!wrong.empty()) {
        (void)::unlink(transient_file(name).c_str());
        return std::unexpected(std::move(wrong));
    }
    add_unit(std::move(loaded.units.front()));
    return context_.graph().find(name);
}

// A transient unit may have come to its end. It goes at the end of the turn, when those who wait for it have been answered.
void Supervisor::note_transient(core::UnitId id) {
    const core::Unit& unit = context_.unit(id);
    if (!context_.place.source.transient.empty() && unit.source.starts_with(context_.place.source.transient) &&
        is_transient(unit))
        ended_transients_.push_back(unit.name);
}

bool Supervisor::forget_transients() {
    if (ended_transients_.empty() || context_.engine.halting())
        return false;
    bool told = false;
    for (const std::string& name : std::exchange(ended_transients_, {})) {
        const core::UnitId id = context_.graph().find(name);
        if (id == core::no_unit || !is_transient(context_.unit(id)))
            continue;
        const core::Record& record = context_.record(id);
        const bool at_rest = record.phase == Phase::down &&
                             (record.resting || record.asked == core::Asked::down || !context_.engine.facts(id).wanted);
        if (record.phase == Phase::done) { // what it was for is done; its post-stop comes with the stop
            context_.engine.apply({.kind = Event::Kind::stop, .unit = id}, context_.now);
            told = true;
        } else if (record.phase == Phase::skipped || at_rest) {
            (void)::unlink(transient_file(name).c_str());
            units_gone(context_.engine.remove(id, context_.now));
            told = true;
        }
    }
    return told;
}

} // namespace mi::daemon
