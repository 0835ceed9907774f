#include "daemon/units/transient_units.hpp"

#include "base/directory.hpp"
#include "os/file/runtime.hpp"

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

std::string TransientUnits::file_of(const std::string& name) const {
    return context_.place.source.transient + "/" + name + ".toml";
}

bool TransientUnits::is_transient(const core::Unit& unit) const {
    const config::Source& source = context_.place.source;
    return !source.transient.empty() && unit.source == source.root + file_of(unit.name);
}

// One of that name that has ended, and was kept because it failed, makes room.
std::string TransientUnits::why_name_is_taken(const std::string& name) const {
    const core::UnitId same = context_.graph().find(name);
    if (same == core::no_unit || core::is_phantom(context_.unit(same)))
        return {};
    const core::Unit& unit = context_.unit(same);
    if (!is_transient(unit))
        return "there is a unit " + name + " already, of " + unit.source;
    const Phase phase = context_.record(same).phase;
    return core::active(phase) || phase == Phase::backoff ? name + " is running already" : "";
}

std::expected<core::UnitId, std::string> TransientUnits::make(const std::string& name, const std::string& text) {
    if (std::string_view wrong = config::name_fault(name); !wrong.empty() || name.find('@') != std::string::npos)
        return std::unexpected("\"" + name + "\" cannot name it" + (wrong.empty() ? "" : ": " + std::string(wrong)));
    if (std::string taken = why_name_is_taken(name); !taken.empty())
        return std::unexpected(std::move(taken));
    const config::Source& source = context_.place.source;
    if (auto made = os::make_directory(source.transient, 0700); !made)
        return std::unexpected(made.error().text());
    // The environment in it may be confidential.
    if (auto written = os::write_file_atomically(file_of(name), text, 0600); !written)
        return std::unexpected(written.error().text());
    config::Loaded loaded = config::load_one(source, name);
    std::string wrong;
    if (loaded.units.empty() || !is_transient(loaded.units.front()))
        wrong = "another unit " + name + " has appeared; `minictl reload-units` would read it";
    else if (!loaded.units.front().fault.empty())
        wrong = loaded.units.front().fault;
    else if (loaded.units.front().kind != core::Kind::service)
        wrong = "only a service can be run";
    if (!wrong.empty()) {
        (void)::unlink(file_of(name).c_str());
        return std::unexpected(std::move(wrong));
    }
    files_.add(std::move(loaded.units.front()));
    return context_.graph().find(name);
}

void TransientUnits::unit_changed(core::UnitId id, Phase, Phase to) {
    if (to != Phase::down && to != Phase::done && to != Phase::skipped)
        return;
    if (to != Phase::done && context_.engine.is_gone(id)) {
        ended_.push_back(id);
        return;
    }
    const core::Unit& unit = context_.unit(id);
    const std::string& directory = context_.place.source.transient;
    if (!directory.empty() && unit.source.starts_with(context_.place.source.root + directory) && is_transient(unit))
        ended_.push_back(id);
}

bool TransientUnits::forget_ended() {
    if (ended_.empty() || context_.engine.halting())
        return false;
    bool told = false;
    for (core::UnitId id : std::exchange(ended_, {})) {
        if (!context_.graph().contains(id))
            continue;
        const core::Record& record = context_.record(id);
        if (context_.engine.is_gone(id) && !core::active(record.phase)) {
            files_.remove(id);
            told = true;
            continue;
        }
        if (!is_transient(context_.unit(id)))
            continue;
        const bool at_rest =
            record.phase == Phase::down &&
            (record.next == core::Next::rest || record.asked == core::Asked::down || !context_.engine.facts(id).wanted);
        if (record.phase == Phase::done) { // what it was for is done; its post-stop comes with the stop
            context_.apply({.kind = Event::Kind::stop, .unit = id});
            told = true;
        } else if (record.phase == Phase::skipped || at_rest) {
            (void)::unlink(file_of(context_.name(id)).c_str());
            files_.remove(id);
            told = true;
        }
    }
    return told;
}

} // namespace mi::daemon
