// Into another root, with the services that go on there (`switch-root = "keep"`): the init that will go on with them shows
// first that it can read our state; then everything else is stopped, the root is changed, and that init is given our
// process, our descriptors and our children, as in reexec.cpp. It begins with them alone, and then boots.
#include "os/switch_root.hpp"
#include "base/join.hpp"
#include "daemon/recovery/resume.hpp"
#include "daemon/supervisor.hpp"
#include "os/mounts.hpp"

#include <algorithm>
#include <unordered_set>

namespace mi::daemon {

// --- before -----------------------------------------------------------------------------------------------------------

std::vector<std::string> Supervisor::names_kept() const {
    std::vector<std::string> names;
    for (core::UnitId id : context_.graph().ids())
        if (context_.engine.halting() ? context_.record(id).kept : context_.engine.would_keep(id))
            names.push_back(context_.name(id));
    return names;
}

std::string Supervisor::switch_root(NewRoot to) {
    const core::Graph& graph = context_.graph();
    std::string lacking;
    for (core::UnitId id : graph.ids())
        for (const core::Edge& edge : context_.engine.would_keep(id) ? graph.needs(id) : std::span<const core::Edge>{})
            if (edge.relation == core::Relation::requirement && graph.unit(edge.unit).kind == core::Kind::service &&
                !context_.engine.would_keep(edge.unit))
                join_to(lacking, graph.name(id) + " requires " + graph.name(edge.unit));
    if (!lacking.empty())
        return "what is kept may require only what is kept, too, and targets: " + lacking;
    if (checker_ != 0)
        return "another program is on its way already";
    if (names_kept().empty()) {
        begin_switch_root(std::move(to), false);
        return {};
    }
    new_root_ = std::move(to);
    if (std::string why = ask_new_init(); !why.empty())
        nothing_kept(why);
    return {};
}

// Whether the init in the new root can go on with what we keep: it is asked, if there is somebody to ask.
std::string Supervisor::ask_new_init() {
    if (!keeper_ || guard_ == nullptr)
        return "there is no memory that our state could be handed on in";
    if (os::HangingMounts().cover(new_root_.root))
        return new_root_.root + " is of a kind that may wait for a server for ever";
    auto init = os::open_in_root(new_root_.root, new_root_.init);
    if (!init)
        return init.error().text();
    if (!os::is_binary(init->get())) // a script would not tell, but begin its work
        return new_root_.init + " there is no miniinit";
    return check_program(new_root_.init, new_root_.root, "--check-switch-root");
}

void Supervisor::nothing_kept(const std::string& why) {
    context_.say(Priority::warning, "stopped too: " + join(names_kept()) + " (" + why + ")");
    begin_switch_root(std::move(new_root_), false);
}

void Supervisor::begin_switch_root(NewRoot to, bool keep) {
    new_root_ = std::move(to);
    if (context_.engine.halting()) { // meanwhile somebody has asked for another end
        if (context_.observer != nullptr)
            context_.observer->switching_root(false);
        return;
    }
    schedule_.keep_quiet(); // nobody is logged in to an initramfs, and the machine goes on
    if (keep)
        context_.say(Priority::notice, "kept: " + join(names_kept()));
    shutdown_.begin(core::Ending::switch_root, 0, keep);
    if (context_.observer != nullptr)
        context_.observer->switching_root(true);
}

// --- over ---------------------------------------------------------------------------------------------------------------

void Supervisor::enter_new_root() {
    if (names_kept().empty())
        daemon::switch_root(new_root_, context_.place.program, nullptr);
    const core::Graph& graph = context_.graph();
    GoingOn going;
    going.lives_on = [&](pid_t pid) {
        for (core::UnitId id : graph.ids())
            if (context_.record(id).kept && processes_.belongs(pid, id, graph.name(id)))
                return true;
        return false;
    };
    going.hand_over = [&](int program) {
        carried_ = true;
        remember_all(true);
        return guard_->run_again(program);
    };
    daemon::switch_root(new_root_, context_.place.program, &going);
}

// --- there --------------------------------------------------------------------------------------------------------------

void leave_behind(state::Snapshot& state) {
    std::erase_if(state.units, [](const auto& one) { return !one.second.record.kept; });
    auto gone = [&](core::UnitId unit) { return !state.units.contains(unit); };
    std::erase_if(state.processes, [&](const auto& one) { return gone(one.second.unit); });
    std::erase_if(state.effects, [&](const state::EffectImage& effect) { return gone(effect.unit); });
    for (auto& [id, image] : state.units) {
        image.record.kept = false;
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

// The units of this root are read as if they had been read again: what runs goes on, whatever they say of it.
void Supervisor::settle_in() {
    std::vector<std::string> names;
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase))
            names.push_back(context_.name(id));
    (void)reread(); // its problems are told by who began this
    context_.say(Priority::notice, "carried over into this root: " + join(names));
}

} // namespace mi::daemon
