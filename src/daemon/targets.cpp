// Where the machine is to get: the target that is booted, others, and what is done where one cannot be reached.
#include "core/explain.hpp"
#include "daemon/builtin.hpp"
#include "daemon/supervisor.hpp"

namespace mi::daemon {

using core::Event;
using core::Phase;
using core::Role;

void Supervisor::boot(const std::string& target, bool counts) {
    std::vector<core::UnitId> carried; // from another root: a boot is no reason to stop them
    for (core::UnitId id : engine_->graph().ids())
        if (core::active(engine_->record(id).phase))
            carried.push_back(id);
    target_ = target;
    if (place_.system() && attempts_.begin(settings_.boot_attempts, counts))
        too_many_boots();
    else
        isolate(target);
    for (core::UnitId id : carried)
        engine_->apply({.kind = Event::Kind::wish, .unit = id}, now_);
}

void Supervisor::isolate(const std::string& target) {
    tried_targets_.clear(); // whoever asks may have mended what was wrong
    go_to(target);
}

void Supervisor::go_to(const std::string& target) {
    target_ = target;
    target_said_ = false;
    manager_moved_ = true;
    core::UnitId id = engine_->graph().find(target);
    if (id == core::no_unit || id != engine_->graph().find(settings_.default_target))
        attempts_.let_go();
    if (id == core::no_unit) {
        boot_target_failed("there is no such unit");
        return;
    }
    engine_->apply({.kind = Event::Kind::isolate, .unit = id}, now_);
    if (engine_->record(id).phase == Phase::invalid)
        boot_target_failed(core::reason(*engine_, id));
}

// The target cannot be reached. On a machine somebody has to be able to mend it: rescue, else emergency, else a bare shell.
void Supervisor::boot_target_failed(const std::string& why) {
    if (!place_.system() || engine_->halting())
        return;
    tried_targets_.insert(target_);
    go_instead("cannot reach " + target_ + " (" + why + ")");
}

void Supervisor::go_instead(const std::string& why) {
    for (const char* next : {"rescue", "emergency", builtin_name})
        if (!tried_targets_.contains(next) && engine_->graph().find(next) != core::no_unit) {
            boot_note_ = why + "; going to " + next;
            manager_moved_ = true;
            say(Priority::err, boot_note_);
            tried_targets_.insert(next);
            go_to(next);
            return;
        }
}

// So many boots in a row have failed that another try would be another failure.
void Supervisor::too_many_boots() {
    if (engine_->halting() || target_reached_ != Instant{})
        return;
    go_instead("the last " + std::to_string(settings_.boot_attempts) + " boots did not reach " + target_ +
               " (`minictl target " + target_ + "` tries again, and so does the next boot)");
}

// A container in which all that was to run has failed has nothing left to live for.
void Supervisor::end_when_all_failed() {
    if (place_.mode != Mode::container || engine_->halting() || engine_->coming_units() > 0)
        return;
    const core::Graph& graph = engine_->graph();
    for (core::UnitId id : graph.ids()) {
        Phase phase = engine_->record(id).phase;
        if (graph.unit(id).kind == core::Kind::service &&
            (core::active(phase) || phase == Phase::backoff || engine_->record(id).asked == core::Asked::down))
            return;
    }
    say(Priority::err, "all that was to run has failed");
    begin_ending(core::Ending::exit, 1);
}

} // namespace mi::daemon
