// Which units there are: those of files that are new or have changed, and what is done to one from outside.
#include "daemon/machine/builtin.hpp"
#include "daemon/supervisor.hpp"

#include <algorithm>

namespace mi::daemon {

using core::Event;
using core::Phase;
using core::Role;

core::UnitId Supervisor::find_or_make(const std::string& name) {
    core::UnitId id = context_.graph().find(name);
    if (id != core::no_unit && !core::is_phantom(context_.unit(id)))
        return id;
    config::Loaded loaded = config::load_one(context_.place.source, name);
    if (loaded.units.empty())
        return id;
    add_unit(std::move(loaded.units.front()));
    return context_.graph().find(name);
}

std::size_t Supervisor::idle_instances() const {
    std::size_t idle = 0;
    for (core::UnitId id : context_.graph().ids())
        idle += !context_.unit(id).instance.empty() && !core::active(context_.record(id).phase);
    return idle;
}

// Adds a unit, and those that it names and that nobody has read yet.
void Supervisor::add_unit(core::Unit unit) {
    std::vector<std::string> named;
    for (const core::Dependency& dependency : unit.dependencies)
        named.push_back(dependency.unit);
    context_.engine.add(std::move(unit), context_.now);
    units_.fit(context_.graph());
    for (const std::string& name : named)
        (void)find_or_make(name);
}

Supervisor::Reread Supervisor::reread() {
    Reread result;
    context_.now = loop::now();
    // Instances that were made at run time stay as long as they are in use.
    std::vector<std::string> also;
    const core::Graph& before = context_.graph();
    std::unordered_map<std::string, std::uint64_t> old;
    for (core::UnitId id : before.ids()) {
        const core::Unit& unit = before.unit(id);
        if (!core::is_phantom(unit))
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
    // What we made ourselves is on no disk: it comes along.
    for (const char* own : {builtin_name, entry_.c_str()})
        if (core::UnitId id = before.find(own); id != core::no_unit && before.unit(id).source.empty())
            loaded.units.push_back(own == entry_ ? entry_unit(before.unit(id).service.command) : builtin_shell());
    for (const auto& [name, digest] : old)
        if (!fresh.contains(name) && name != builtin_name && name != entry_)
            result.removed.push_back(name);
    std::sort(result.removed.begin(), result.removed.end());
    // Settings that only matter for what is started later are taken over at once.
    context_.settings = std::move(loaded.manager);
    if (context_.place.mode == Mode::container && context_.settings.pass_environment.empty())
        context_.settings.pass_environment = {"*"};
    if (guard_ != nullptr)
        guard_->page().limit = context_.settings.crash_limit;
    context_.surroundings.refresh();
    mind_watchdog();
    units_gone(context_.engine.replace(std::move(loaded.units), context_.now));
    units_reread();
    for (const std::string& problem : context_.graph().problems())
        result.problems.push_back(problem);
    return result;
}

// Nothing refers to them from here on. Their ids are no other unit's, so what was forgotten here would meet no unit.
void Supervisor::units_gone(const std::vector<core::UnitId>& gone) {
    units_.fit(context_.graph());
    for (core::UnitId id : gone) {
        for (Subsystem* subsystem : subsystems_)
            subsystem->unit_gone(id);
        context_.units[id] = {};
        processes_.forget(id);
        timers_.forget(id);
    }
    auto is_gone = [this](core::UnitId id) { return id != core::no_unit && !context_.graph().contains(id); };
    std::erase_if(parked_, [&](const Parked& parked) { return is_gone(parked.effect.unit); });
    std::erase_if(postponed_, [&](const core::Effect& effect) { return is_gone(effect.unit); });
    std::erase_if(effects_, [&](const core::Effect& effect) { return is_gone(effect.unit); });
}

void Supervisor::units_reread() {
    for (Subsystem* subsystem : subsystems_)
        subsystem->units_reread();
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase) && !processes_.uses_session(id))
            for (const std::string& line : resources_.adapt(context_.unit(id)))
                context_.logs.line(context_.name(id), Priority::warning, line);
    timers_.reread(context_.graph());
}

Result<> Supervisor::signal_unit(core::UnitId id, int number, bool all) {
    const core::Record& record = context_.record(id);
    if (!all) {
        pid_t pid = record.main_pid > 0 ? record.main_pid : record.hook_pid;
        if (pid <= 0)
            return fault(ESRCH, "signal", context_.name(id));
        return os::send_signal(pid, number);
    }
    processes_.signal(id, context_.name(id), core::Effect::Scope::everything, number, record.main_pid, record.hook_pid);
    return {};
}

Result<> Supervisor::freeze_unit(core::UnitId id, bool frozen) {
    const std::string& name = context_.name(id);
    if (processes_.frozen(id) == frozen)
        return {};
    if (auto done = frozen ? processes_.freeze(id, name) : processes_.thaw(id, name); !done)
        return done;
    context_.engine.apply({.kind = frozen ? Event::Kind::freeze : Event::Kind::thaw, .unit = id}, loop::now());
    context_.logs.line(name, Priority::info, frozen ? "frozen by hand" : "thawed by hand");
    if (context_.observer != nullptr)
        context_.observer->announced(name + (frozen ? " is frozen" : " is thawed"));
    return {};
}

} // namespace mi::daemon
