// Where the machine is to get: the target that is booted, others, and what is done where one cannot be reached.
#include "core/explain.hpp"
#include "daemon/machine/builtin.hpp"
#include "daemon/supervisor.hpp"

namespace mi::daemon {

using core::Event;
using core::Phase;
using core::Role;

void Supervisor::boot(const std::string& target, bool counts) {
    std::vector<core::UnitId> carried; // from another root: a boot is no reason to stop them
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase))
            carried.push_back(id);
    target_ = target;
    if (context_.place.system() && attempts_.begin(context_.settings.boot_attempts, counts))
        too_many_boots();
    else
        isolate(target);
    for (core::UnitId id : carried)
        context_.engine.apply({.kind = Event::Kind::wish, .unit = id}, context_.now);
}

void Supervisor::isolate(const std::string& target) {
    tried_targets_.clear(); // whoever asks may have mended what was wrong
    go_to(target);
}

void Supervisor::go_to(const std::string& target) {
    target_ = target;
    target_said_ = false;
    context_.manager_moved = true;
    core::UnitId id = context_.graph().find(target);
    if (id == core::no_unit || id != context_.graph().find(context_.settings.default_target))
        attempts_.let_go();
    if (id == core::no_unit) {
        boot_target_failed("there is no such unit");
        return;
    }
    context_.engine.apply({.kind = Event::Kind::isolate, .unit = id}, context_.now);
    if (context_.record(id).phase == Phase::invalid)
        boot_target_failed(core::reason(context_.engine, id));
}

// The target cannot be reached. On a machine somebody has to be able to mend it: rescue, else emergency, else a bare shell.
void Supervisor::boot_target_failed(const std::string& why) {
    if (!context_.place.system() || context_.engine.halting())
        return;
    tried_targets_.insert(target_);
    go_instead("cannot reach " + target_ + " (" + why + ")");
}

void Supervisor::go_instead(const std::string& why) {
    for (const char* next : {"rescue", "emergency", builtin_name})
        if (!tried_targets_.contains(next) && context_.graph().find(next) != core::no_unit) {
            boot_note_ = why + "; going to " + next;
            context_.manager_moved = true;
            context_.say(Priority::err, boot_note_);
            tried_targets_.insert(next);
            go_to(next);
            return;
        }
}

// So many boots in a row have failed that another try would be another failure.
void Supervisor::too_many_boots() {
    if (context_.engine.halting() || target_reached_ != Instant{})
        return;
    go_instead("the last " + std::to_string(context_.settings.boot_attempts) + " boots did not reach " + target_ +
               " (`minictl target " + target_ + "` tries again, and so does the next boot)");
}

// A container in which all that was to run has failed has nothing left to live for.
void Supervisor::end_when_all_failed() {
    if (context_.place.mode != Mode::container || context_.engine.halting() || context_.engine.coming_units() > 0)
        return;
    const core::Graph& graph = context_.graph();
    for (core::UnitId id : graph.ids()) {
        Phase phase = context_.record(id).phase;
        if (graph.unit(id).kind == core::Kind::service &&
            (core::active(phase) || phase == Phase::backoff || context_.record(id).asked == core::Asked::down))
            return;
    }
    context_.say(Priority::err, "all that was to run has failed");
    begin_ending(core::Ending::exit, 1);
}

} // namespace mi::daemon
