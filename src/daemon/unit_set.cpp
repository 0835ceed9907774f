// Which units there are: those of files that are new or have changed, and what is done to one from outside.
#include "daemon/builtin.hpp"
#include "daemon/supervisor.hpp"

#include <algorithm>

namespace mi::daemon {

using core::Event;
using core::Phase;
using core::Role;

core::UnitId Supervisor::find_or_make(const std::string& name) {
    core::UnitId id = engine_->graph().find(name);
    if (id != core::no_unit && !core::is_phantom(engine_->graph().unit(id)))
        return id;
    config::Loaded loaded = config::load_one(place_.source, name);
    if (loaded.units.empty())
        return id;
    add_unit(std::move(loaded.units.front()));
    return engine_->graph().find(name);
}

std::size_t Supervisor::idle_instances() const {
    std::size_t idle = 0;
    for (core::UnitId id : engine_->graph().ids())
        idle += !engine_->graph().unit(id).instance.empty() && !core::active(engine_->record(id).phase);
    return idle;
}

// Adds a unit, and those that it names and that nobody has read yet.
void Supervisor::add_unit(core::Unit unit) {
    std::vector<std::string> named;
    for (const core::Dependency& dependency : unit.dependencies)
        named.push_back(dependency.unit);
    engine_->add(std::move(unit), now_);
    live_.resize(engine_->graph().size());
    for (const std::string& name : named)
        (void)find_or_make(name);
}

Supervisor::Reread Supervisor::reread() {
    Reread result;
    now_ = loop::now();
    // Instances that were made at run time stay as long as they are in use.
    std::vector<std::string> also;
    const core::Graph& before = engine_->graph();
    std::unordered_map<std::string, std::uint64_t> old;
    for (core::UnitId id : before.ids()) {
        const core::Unit& unit = before.unit(id);
        if (!core::is_phantom(unit))
            old.emplace(unit.name, unit.digest);
        if (!unit.instance.empty() && core::active(engine_->record(id).phase))
            also.push_back(unit.name);
    }
    config::Loaded loaded = config::load(place_.source, also);
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
    settings_ = std::move(loaded.manager);
    if (place_.mode == Mode::container && settings_.pass_environment.empty())
        settings_.pass_environment = {"*"};
    if (guard_ != nullptr)
        guard_->page().limit = settings_.crash_limit;
    surroundings_.refresh();
    mind_watchdog();
    units_gone(engine_->replace(std::move(loaded.units), now_));
    units_reread();
    for (const std::string& problem : engine_->graph().problems())
        result.problems.push_back(problem);
    return result;
}

// Nothing refers to them from here on. Their ids are no other unit's, so what was forgotten here would meet no unit.
void Supervisor::units_gone(const std::vector<core::UnitId>& gone) {
    live_.resize(engine_->graph().size());
    for (core::UnitId id : gone) {
        live_[id] = {};
        processes_.forget(id);
        pid_files_.forget(id);
        fd_store_.forget(id);
        timers_.forget(id);
    }
    auto is_gone = [this](core::UnitId id) { return id != core::no_unit && !engine_->graph().contains(id); };
    std::erase_if(parked_, [&](const Parked& parked) { return is_gone(parked.effect.unit); });
    std::erase_if(postponed_, [&](const core::Effect& effect) { return is_gone(effect.unit); });
    std::erase_if(effects_, [&](const core::Effect& effect) { return is_gone(effect.unit); });
    close_sockets_of_gone();
}

void Supervisor::units_reread() {
    for (core::UnitId id : engine_->graph().ids())
        if (core::active(engine_->record(id).phase) && !processes_.uses_session(id))
            for (const std::string& line : resources_.adapt(engine_->graph().unit(id)))
                logs_.line(engine_->graph().name(id), Priority::warning, line);
    timers_.reread(engine_->graph());
    sockets_reread();
}

Result<> Supervisor::signal_unit(core::UnitId id, int number, bool all) {
    const core::Record& record = engine_->record(id);
    if (!all) {
        pid_t pid = record.main_pid > 0 ? record.main_pid : record.hook_pid;
        if (pid <= 0)
            return fault(ESRCH, "signal", engine_->graph().name(id));
        return os::send_signal(pid, number);
    }
    processes_.signal(id, engine_->graph().name(id), core::Effect::Scope::everything, number, record.main_pid,
                      record.hook_pid);
    return {};
}

Result<> Supervisor::freeze_unit(core::UnitId id, bool frozen) {
    const std::string& name = engine_->graph().name(id);
    if (processes_.frozen(id) == frozen)
        return {};
    if (auto done = frozen ? processes_.freeze(id, name) : processes_.thaw(id, name); !done)
        return done;
    engine_->apply({.kind = frozen ? Event::Kind::freeze : Event::Kind::thaw, .unit = id}, loop::now());
    logs_.line(name, Priority::info, frozen ? "frozen by hand" : "thawed by hand");
    if (observer_ != nullptr)
        observer_->announced(name + (frozen ? " is frozen" : " is thawed"));
    return {};
}

} // namespace mi::daemon
