#include "daemon/units/boot_target.hpp"

#include "core/explain.hpp"
#include "daemon/machine/builtin.hpp"

#include <vector>

namespace mi::daemon {

using core::Event;
using core::Phase;

std::string why_not_up(const core::Engine& engine, core::UnitId unit) {
    std::string why = core::reason(engine, unit);
    if (const auto chain = core::chain(engine, unit); chain.size() > 1) {
        why += "; " + core::sentence(engine, chain.back());
        why.pop_back(); // the full stop
    }
    return why;
}

void BootTarget::boot(const std::string& target, const std::string& why_not) {
    std::vector<core::UnitId> carried; // from another root: a boot is no reason to stop them
    for (core::UnitId id : context_.graph().ids())
        if (core::active(context_.record(id).phase))
            carried.push_back(id);
    name_ = target;
    if (why_not.empty())
        go_to(target);
    else
        go_instead(why_not);
    for (core::UnitId id : carried)
        context_.apply({.kind = Event::Kind::wish, .unit = id});
}

void BootTarget::isolate(const std::string& target) {
    if (host_ != nullptr)
        host_->target_asked(target);
    tried_.clear(); // what was wrong may have been repaired
    go_to(target);
}

void BootTarget::go_to(const std::string& target) {
    name_ = target;
    said_ = false;
    context_.manager_moved = true;
    const core::UnitId unit = id(), complete = context_.graph().find(complete_name);
    if (unit == core::no_unit)
        return failed("there is no such unit");
    context_.apply({.kind = Event::Kind::isolate, .unit = unit});
    if (context_.place.system() && complete != core::no_unit &&
        unit == context_.graph().find(context_.settings.default_target))
        context_.apply({.kind = Event::Kind::wish, .unit = complete});
    if (context_.record(unit).phase == Phase::invalid)
        failed(why_not_up(context_.engine, unit));
}

void BootTarget::failed(const std::string& why) {
    if (!context_.place.system() || context_.engine.halting())
        return;
    tried_.insert(name_);
    if (host_ == nullptr || !host_->target_failed("cannot reach " + name_ + " (" + why + ")"))
        go_instead("cannot reach " + name_ + " (" + why + ")");
}

void BootTarget::go_instead(const std::string& why) {
    for (const char* next : {"rescue", "emergency", builtin_name})
        if (!tried_.contains(next) && context_.graph().find(next) != core::no_unit) {
            set_note(why + "; going to " + next);
            context_.say(Priority::err, note_);
            tried_.insert(next);
            go_to(next);
            return;
        }
}

void BootTarget::set_note(std::string note) {
    note_ = std::move(note);
    context_.manager_moved = true;
}

void BootTarget::unit_changed(core::UnitId unit, Phase, Phase to) {
    if (to == Phase::failed && context_.record(unit).phase == Phase::failed && is(unit))
        failed(why_not_up(context_.engine, unit));
    if (to != Phase::up && to != Phase::done)
        return;
    if (is(unit) && !said_)
        reached();
}

void BootTarget::reached() {
    said_ = true;
    if (!was_reached())
        reached_at_ = context_.now;
    context_.manager_moved = true;
    context_.say(Priority::info, "target " + context_.name(id()) + " reached");
}

bool BootTarget::begun() const {
    const core::UnitId unit = id();
    return unit == core::no_unit ? came_ : core::good(context_.record(unit).phase);
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
    came_ = true; // as far as anybody knows
    note_ = image.boot_note;
}

} // namespace mi::daemon
