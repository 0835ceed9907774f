// Settles the graph: derives the consequences of changed records for the neighbours.
#include "core/engine.hpp"

#include "base/unreachable.hpp"

#include <cassert>

namespace mi::core {

namespace {

void tally(Counts& counts, const Counts& more, const Counts& less) {
    counts.pulled += more.pulled - less.pulled;
    counts.blocked += more.blocked - less.blocked;
    counts.failed += more.failed - less.failed;
    counts.unkept += more.unkept - less.unkept;
    counts.stuck += more.stuck - less.stuck;
    counts.held += more.held - less.held;
    // A neighbour removes only its own contribution.
    must(((counts.pulled | counts.blocked | counts.failed | counts.unkept | counts.stuck | counts.held) >> 31) == 0,
         "no count of neighbours is negative");
}

} // namespace

// Computes a unit's facts again, and updates the counts of its neighbours.
void Engine::refresh(UnitId id) {
    assert(possible(records_[id]) && "what is in a record goes together");
    Facts old = facts_[id];
    Facts fresh = facts_of(records_[id], counts_[id], accepts_wishes());
    look_at(id);
    if (fresh == old)
        return;
    facts_[id] = fresh;
    totals_.active += fresh.active - old.active;
    totals_.coming += fresh.coming - old.coming;
    must(totals_.active <= graph_.size() && totals_.coming <= graph_.size(), "at most all units are active, or coming");
    for (const Edge& edge : graph_.needs(id)) {
        Counts more = downward(edge.relation, fresh), less = downward(edge.relation, old);
        if (more == less)
            continue;
        tally(counts_[edge.unit], more, less);
        touch(edge.unit);
    }
    for (const Edge& edge : graph_.needed_by(id)) {
        Counts more = upward(edge.relation, fresh), less = upward(edge.relation, old);
        if (more == less)
            continue;
        tally(counts_[edge.unit], more, less);
        touch(edge.unit);
    }
    if (fresh.active != old.active)
        for (UnitId other : graph_.conflicts(id)) {
            counts_[other].conflicting += fresh.active - old.active;
            look_at(other);
        }
    if (fresh.leaving != old.leaving || fresh.barred != old.barred)
        for (UnitId part : graph_.parts(id)) {
            counts_[part].leaving += fresh.leaving - old.leaving;
            counts_[part].barred += fresh.barred - old.barred;
            touch(part);
        }
    if (fresh.wanted && !old.wanted && !adopting_)
        yield_to(id);
}

// A newly wanted unit stops those that it conflicts with: the latest request wins.
void Engine::yield_to(UnitId id) {
    for (UnitId other : graph_.conflicts(id))
        if (facts_[other].wanted || facts_[other].active) {
            Record& record = change(other);
            if (record.asked != Asked::down)
                record.yields_to = id;
            record.asked = Asked::down;
            take_parts_along(other);
            touch(other);
        }
}

void Engine::drain() {
    while (!dirty_.empty())
        refresh(dirty_.take_last());
}

void Engine::settle(Instant now) {
    now_ = now;
    for (;;) {
        // Compute completely which units are wanted before any unit starts: a unit must not start because a unit that
        // it comes after was not looked at yet.
        drain();
        if (to_look_at_.empty() && !for_a_slot_.empty() && totals_.starting < settings_.parallel_starts) {
            look_at(for_a_slot_.front());
            for_a_slot_.pop_front();
        }
        if (to_look_at_.empty() && take_up_later())
            continue;
        if (to_look_at_.empty()) {
            Halt before = halt_;
            advance_halt();
            if (halt_ == before && dirty_.empty())
                break;
            continue;
        }
        act(to_look_at_.take_first());
    }
}

// The reason for stopping, or not starting, a unit that is not wanted; for a conflict, sets `cause` to the other unit.
Reason Engine::unwanted_reason(UnitId id) {
    Record& record = change(id);
    if (halt_ != Halt::no)
        return Reason::shutdown;
    if (record.asked != Asked::down)
        return counts_[id].barred > 0 ? whole_reason(id) : Reason::unneeded;
    if (record.yields_to == no_unit)
        return Reason::asked;
    record.cause = record.yields_to;
    return Reason::conflict;
}

// The reason for stopping a unit with another one that it is part of; sets `cause` to that.
Reason Engine::whole_reason(UnitId id) {
    for (UnitId whole : graph_.part_of(id))
        if (facts_[whole].leaving || facts_[whole].barred) {
            change(id).cause = whole;
            break;
        }
    return Reason::whole_stopped;
}

// The reason for stopping a unit that may not stay up; for a lost requirement, sets `cause` to it.
Reason Engine::stop_reason(UnitId id) {
    if (records_[id].next == Next::restart)
        return Reason::restarting;
    if (!facts_[id].wanted)
        return unwanted_reason(id);
    if (records_[id].presence == Presence::lost)
        return Reason::await_lost;
    if (counts_[id].leaving > 0)
        return whole_reason(id);
    for (const Edge& edge : graph_.needs(id))
        if (upward(edge.relation, facts_[edge.unit]).unkept > 0) {
            change(id).cause = edge.unit;
            break;
        }
    return Reason::dependency_stopped;
}

// Handles a waiting unit: starts it if nothing prevents that.
void Engine::act_on_waiting(UnitId id) {
    const Record& record = records_[id];
    const Counts& counts = counts_[id];
    if (!facts_[id].wanted) {
        const Reason reason = unwanted_reason(id);
        clear_deadline(id);
        set_phase(id, Phase::down, reason, record.cause);
        no_longer_done(id);
    } else if (counts.failed > 0) {
        clear_deadline(id);
        for (const Edge& edge : graph_.needs(id))
            if (upward(edge.relation, facts_[edge.unit]).failed > 0) {
                set_phase(id, Phase::failed, Reason::dependency_failed, edge.unit);
                break;
            }
        disarm(id);
        start_followers(id, graph_.on_failure(id));
        conclude(id, service(id).exit_action, 1);
    } else if (counts.blocked > 0 || counts.conflicting > 0 || counts.leaving > 0) {
        clear_deadline(id); // of its [await], which is not all that it waits for
    } else if (!waits_for_presence(id)) {
        if (record.not_before > now_) {
            change(id).detail = "it is one of units that start one another";
            set_deadline(id, record.not_before - now_);
            set_phase(id, Phase::backoff);
        } else if (settings_.parallel_starts == 0 || totals_.starting < settings_.parallel_starts)
            begin_start(id);
        else
            for_a_slot_.push_back(id);
    }
}

// The unit is down, and not wanted.
void Engine::stay_down(UnitId id) {
    disarm(id);
    if (records_[id].next != Next::again)
        return;
    no_longer_done(id);
    records_[id].reason = unwanted_reason(id);
    touch(id);
}

// Takes the step that a unit's facts require, if any.
void Engine::act(UnitId id) {
    Record& record = records_[id];
    const Facts& facts = facts_[id];
    const Counts& counts = counts_[id];
    if (!active(record.phase) && later(id) != nullptr)
        return; // its new definition takes effect first
    switch (record.phase) {
    case Phase::down:
        if (facts.wanted && !is_gone(id) && record.next != Next::rest)
            set_phase(id, Phase::waiting, Reason::asked);
        else
            stay_down(id);
        break;
    case Phase::waiting: act_on_waiting(id); break;
    case Phase::starting:
    case Phase::up:
    case Phase::reloading:
    case Phase::done:
        if (facts.keep)
            break;
        if (counts.held > 0)
            break; // its dependents stop first
        if (halt_ == Halt::stopping && service(id).stops_last)
            break; // stop_last_ones() does it
        begin_stop(id, stop_reason(id));
        break;
    case Phase::backoff:
        if (!facts.wanted) {
            clear_deadline(id);
            change(id).tries = 0;
            record.came_up = false;
            set_phase(id, Phase::down); // keeps the reason of its end
        }
        break;
    case Phase::skipped:
        if (!facts.wanted) {
            const Reason reason = unwanted_reason(id);
            set_phase(id, Phase::down, reason, record.cause);
        }
        break;
    case Phase::failed:
        if (!facts.wanted)
            disarm(id);
        if (record.reason == Reason::dependency_failed && counts.failed == 0) {
            const Reason reason = facts.wanted ? Reason::asked : unwanted_reason(id);
            set_phase(id, facts.wanted ? Phase::waiting : Phase::down, reason, record.cause);
        }
        break;
    case Phase::stopping: // only events move it on
    case Phase::invalid: break;
    }
}

// In a shutdown nothing else can be stopped: what is left are units that are to stop last, and what they hold up.
void Engine::stop_last_ones() {
    for (UnitId id : graph_.ids())
        if (service(id).stops_last && active(records_[id].phase) && !facts_[id].keep && counts_[id].held == 0)
            begin_stop(id, Reason::shutdown);
}

// Advances a shutdown: first everything is stopped; then the units that the target `shutdown` wants run; then those are
// stopped, too.
void Engine::advance_halt() {
    auto set = [this](Halt halt) {
        halt_ = halt;
        for (UnitId id : graph_.ids())
            touch(id);
    };
    switch (halt_) {
    case Halt::no:
    case Halt::done: break;
    case Halt::stopping:
        if (totals_.active > 0) {
            if (totals_.stopping == 0)
                stop_last_ones();
            break;
        }
        if (UnitId last = graph_.find("shutdown"); last != no_unit && !graph_.needs(last).empty()) {
            change(last).asked = Asked::up;
            set(Halt::final_target);
        } else {
            set(Halt::last);
        }
        break;
    case Halt::final_target:
        if (totals_.coming == 0) {
            change(graph_.find("shutdown")).asked = Asked::nothing;
            set(Halt::last);
        }
        break;
    case Halt::last:
        if (totals_.active == 0) {
            halt_ = Halt::done;
            emit({.kind = Effect::Kind::halt});
        }
        break;
    }
}

// Computes facts and counts from the records alone.
void Engine::rebuild() {
    std::size_t size = graph_.size();
    facts_.assign(size, {});
    counts_.assign(size, {});
    changed_.reset(size);
    all_changed_ = true;
    dirty_.reset(size);
    to_look_at_.reset(size);
    for_a_slot_.clear();
    totals_ = {};
    deadlines_.reset(records_);
    probes_.reset(records_);
    // With no facts yet, every dependency counts as what an absent fact means.
    for (UnitId id = 0; id < size; ++id) {
        for (const Edge& edge : graph_.needs(id))
            tally(counts_[id], upward(edge.relation, Facts{}), Counts{});
        totals_.starting += records_[id].phase == Phase::starting;
        totals_.stopping += records_[id].phase == Phase::stopping;
    }
    for (UnitId id : graph_.order())
        touch(id);
    adopting_ = true;
    drain();
    adopting_ = false;
    for (UnitId id : graph_.ids())
        adopt_health(id);
}

bool Engine::consistent() const {
    for (UnitId id : graph_.ids()) {
        Counts counts;
        for (const Edge& edge : graph_.needs(id))
            tally(counts, upward(edge.relation, facts_[edge.unit]), Counts{});
        for (const Edge& edge : graph_.needed_by(id))
            tally(counts, downward(edge.relation, facts_[edge.unit]), Counts{});
        for (UnitId other : graph_.conflicts(id))
            counts.conflicting += facts_[other].active;
        for (UnitId whole : graph_.part_of(id)) {
            counts.leaving += facts_[whole].leaving;
            counts.barred += facts_[whole].barred;
        }
        if (!(counts == counts_[id]) || !(facts_of(records_[id], counts, accepts_wishes()) == facts_[id]))
            return false;
    }
    return true;
}

} // namespace mi::core
