#include "daemon/turn.hpp"

#include "daemon/control/control.hpp"
#include "daemon/log/output_flush.hpp"
#include "daemon/machine/shutdown.hpp"
#include "daemon/process/sweeper.hpp"
#include "daemon/recovery/succession.hpp"
#include "daemon/start/starter.hpp"
#include "daemon/units/transient_units.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace mi::daemon {

using core::Effect;

namespace {
constexpr std::size_t spawns_a_turn = 64;
constexpr std::size_t exits_a_turn = 1024;

static_assert(Effect::kinds == std::size(wire::Numbers<Effect::Kind>::rows)); // `halt` is the last one
} // namespace

Turn::Turn(Context& context, const Parts& parts) : context_(context), parts_(parts) {
    parts_.exits.exits.reserve(exits_a_turn);
}

void Turn::performs(Effect::Kind kind, std::initializer_list<Subsystem*> subsystems) {
    performers_[static_cast<std::size_t>(kind)] = subsystems;
}

void Turn::open() {
    // All but `changed` and `release`, which every subsystem hears of.
    assert(std::ranges::count_if(performers_, &std::vector<Subsystem*>::empty) == 2);
    context_.kernel.set_due([this] { due(); });
    context_.kernel.set_turn_end([this] { take(); });
}

void Turn::take() {
    context_.now = context_.kernel.now();
    ++context_.turn;
    pump();
    // Only now the calls of users who may not act: they have a share of the turn's time, after all else.
    if (control_ != nullptr && control_->take_calls())
        pump();
    auto ends = [this] {
        for (Subsystem* subsystem : parts_.subsystems)
            subsystem->turn_ends();
        if (context_.observer != nullptr)
            context_.observer->turn_ended();
    };
    ends();
    if (parts_.transient_units.forget_ended()) {
        pump();
        ends();
    }
    parts_.output_flush.flush();
    if (control_ != nullptr)
        control_->finish_turn();
    context_.logs.end_turn();
    parts_.store.save();
    parts_.succession.give_way();
    set_timer();
    if (parts_.guard != nullptr && parts_.guard->asked() != nullptr)
        parts_.guard->crash_now();
}

// Settles and does what follows, until nothing follows any more or so many processes were made that others have to be heard.
void Turn::pump() {
    std::size_t spawns = 0;
    parts_.starter.take_up_postponed();
    for (;;) {
        if (parts_.effects.empty()) {
            context_.engine.settle(context_.now);
            context_.units.fit(context_.graph().size()); // what was read earlier may count only now, and name others
            parts_.effects.push(context_.engine.take_effects());
        }
        if (parts_.effects.empty()) {
            if (parts_.starter.drop_unwanted() || parts_.sweeper.look())
                continue;
            return;
        }
        if (parts_.effects.front().kind != Effect::Kind::spawn) {
            perform(parts_.effects.take());
            continue;
        }
        if (++spawns > spawns_a_turn)
            return;
        parts_.store.save();
        perform(parts_.effects.take());
        follow_spawn();
    }
}

// What an effect does to a unit is more than the record shows. But of a start that begins the record's own moment tells.
void Turn::perform(const Effect& effect) {
    const bool record_tells = effect.kind == Effect::Kind::changed &&
                              (effect.to == core::Phase::waiting || effect.to == core::Phase::starting);
    if (effect.unit != core::no_unit && !record_tells)
        context_.engine.mark(effect.unit);
    if (effect.kind == Effect::Kind::changed) {
        if (context_.observer != nullptr)
            context_.observer->changed(effect.unit, effect.from, effect.to);
        for (Subsystem* subsystem : parts_.subsystems)
            subsystem->unit_changed(effect.unit, effect.from, effect.to);
    } else if (effect.kind == Effect::Kind::release) {
        for (Subsystem* subsystem : parts_.subsystems)
            subsystem->run_ended(effect.unit);
    } else {
        const auto kind = static_cast<std::size_t>(effect.kind);
        assert(kind < performers_.size()); // one that is not known was dropped when it was read (state/unknown.cpp)
        for (Subsystem* subsystem : performers_[kind])
            subsystem->perform(effect);
    }
}

// What follows from a process that is there: that its unit is up is told at once, so that the unit is saved once with all of it,
// before the next process is made or at the end of the turn. Until then the saved spawn stands for it.
void Turn::follow_spawn() {
    bool at_once = true;
    for (const Effect& effect : context_.engine.take_effects()) {
        at_once = at_once && effect.kind == Effect::Kind::changed;
        if (at_once)
            perform(effect);
        else
            parts_.effects.push(effect);
    }
}

void Turn::due() {
    const Instant moment = context_.now = context_.kernel.now();
    // Children that have ended by now are not late. wait4(2) looks at all that there are, so it is asked only if one has.
    if (more_to_reap_ || context_.kernel.child_signal_waits())
        reap();
    for (Subsystem* subsystem : parts_.subsystems)
        if (subsystem->next_deadline() <= context_.now)
            subsystem->due(context_.now);
    if (control_ != nullptr)
        control_->due(context_.now);
    if (more_to_reap_)
        return;
    for (core::UnitId unit : context_.engine.due(moment))
        for (Subsystem* subsystem : parts_.subsystems)
            subsystem->catch_up(unit);
    context_.engine.apply({.kind = core::Event::Kind::due}, moment);
}

void Turn::reap() {
    std::vector<os::Exit>& exits = parts_.exits.exits;
    exits.clear();
    const bool all = context_.kernel.reap(exits, exits_a_turn);
    context_.now = context_.kernel.now();
    std::erase_if(exits, [this](const os::Exit& change) {
        if (change.kind == os::Exit::Kind::stopped)
            context_.logs.stopped(change.pid, change.code, context_.now);
        return !change.ended();
    });
    parts_.exits.at = 0;
    parts_.store.save_exits();
    for (; parts_.exits.at < exits.size(); ++parts_.exits.at) {
        exited(exits[parts_.exits.at]);
        ++parts_.exits.done;
    }
    more_to_reap_ = !all; // SIGCHLD does not queue: we come back for the rest
    if (!exits.empty())
        for (Subsystem* subsystem : parts_.subsystems)
            subsystem->children_ended();
}

void Turn::exited(const os::Exit& exit) {
    Subsystem* owner = context_.children.take(exit.pid);
    (owner != nullptr ? owner : &parts_.unit_processes)->exited(exit);
}

void Turn::set_timer() {
    if (parts_.shutdown.over())
        return;
    Instant at = context_.engine.next_deadline();
    for (const Subsystem* subsystem : parts_.subsystems)
        at = std::min(at, subsystem->next_deadline());
    if (control_ != nullptr)
        at = std::min(at, control_->next_deadline());
    if (!parts_.effects.empty() || more_to_reap_)
        at = context_.now;
    context_.kernel.wake_at(at);
}

} // namespace mi::daemon
