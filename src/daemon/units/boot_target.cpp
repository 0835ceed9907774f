#include "daemon/units/boot_target.hpp"

#include "base/count.hpp"
#include "core/explain.hpp"
#include "daemon/machine/builtin.hpp"
#include "os/process/children.hpp"

#include <vector>

namespace mi::daemon {

using core::Event;
using core::Phase;

BootTarget::BootTarget(Context& context)
    : context_(context),
      attempts_(context.place.state_directory, [this](pid_t child) { context_.children.expect(child, *this); }) {}

void BootTarget::boot(const std::string& target, bool counts) {
    std::vector<core::UnitId> carried; // from another root: a boot is no reason to stop them
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase))
            carried.push_back(id);
    name_ = target;
    if (context_.place.system() && attempts_.begin(context_.settings.boot_attempts, counts))
        too_many_boots();
    else
        isolate(target);
    for (core::UnitId id : carried)
        context_.apply({.kind = Event::Kind::wish, .unit = id});
}

void BootTarget::isolate(const std::string& target) {
    tried_.clear(); // whoever asks may have repaired what was wrong
    go_to(target);
}

void BootTarget::go_to(const std::string& target) {
    name_ = target;
    said_ = false;
    context_.manager_moved = true;
    const core::UnitId unit = id();
    if (unit == core::no_unit || unit != context_.graph().find(context_.settings.default_target))
        attempts_.let_go();
    if (unit == core::no_unit)
        return failed("there is no such unit");
    context_.apply({.kind = Event::Kind::isolate, .unit = unit});
    if (context_.record(unit).phase == Phase::invalid)
        failed(core::reason(context_.engine, unit));
}

void BootTarget::failed(const std::string& why) {
    if (!context_.place.system() || context_.engine.halting())
        return;
    tried_.insert(name_);
    go_instead("cannot reach " + name_ + " (" + why + ")");
}

void BootTarget::go_instead(const std::string& why) {
    for (const char* next : {"rescue", "emergency", builtin_name})
        if (!tried_.contains(next) && context_.graph().find(next) != core::no_unit) {
            note_ = why + "; going to " + next;
            context_.manager_moved = true;
            context_.say(Priority::err, note_);
            tried_.insert(next);
            go_to(next);
            return;
        }
}

// So many boots in a row have failed that another try would be another failure.
void BootTarget::too_many_boots() {
    if (context_.engine.halting() || was_reached())
        return;
    const unsigned boots = context_.settings.boot_attempts;
    go_instead("the last " + (boots == 1 ? "boot" : counted(boots, "boot")) + " did not reach " + name_ +
               " (`minictl target " + name_ + "` tries again, and so does the next boot)");
}

void BootTarget::exited(const os::Exit& exit) {
    auto written = attempts_.exited(exit.pid, exit.kind == os::Exit::Kind::killed ? -1 : exit.code);
    if (!written)
        return;
    if (!written->trouble.empty())
        context_.say(Priority::warning, written->trouble);
    if (written->too_many)
        too_many_boots();
}

void BootTarget::unit_changed(core::UnitId unit, Phase, Phase to) {
    if (to == Phase::failed && context_.record(unit).phase == Phase::failed && is(unit))
        failed(core::reason(context_.engine, unit));
    if (to != Phase::up && to != Phase::done)
        return;
    if (context_.unit(unit).service.type == core::ServiceType::oneshot)
        attempts_.storage_changed(); // it may have mounted it
    if (is(unit) && !said_)
        reached();
    if (context_.place.system() && context_.graph().find(context_.settings.default_target) == unit) {
        attempts_.reached();
        note_.clear();
        context_.manager_moved = true;
    }
}

void BootTarget::reached() {
    said_ = true;
    if (!was_reached())
        reached_at_ = context_.now;
    context_.manager_moved = true;
    context_.say(Priority::info, "target " + context_.name(id()) + " reached");
}

void BootTarget::save(state::ManagerImage& image) const {
    image.target = name_;
    image.tried_targets.assign(tried_.begin(), tried_.end());
    image.target_reached = reached_at_.since_boot;
    image.target_said = said_;
    image.boot_note = note_;
}

void BootTarget::restore(const state::ManagerImage& image) {
    name_ = image.target;
    tried_.insert(image.tried_targets.begin(), image.tried_targets.end());
    reached_at_ = {image.target_reached};
    said_ = image.target_said;
    note_ = image.boot_note;
    if (context_.place.system()) // this boot was counted when it began; it may still reach its target
        (void)attempts_.begin(context_.settings.boot_attempts, false);
}

} // namespace mi::daemon
