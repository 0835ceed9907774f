#include "core/facts.hpp"

namespace mi::core {

Counts upward(Relation relation, Facts dependency) {
    Counts counts;
    switch (relation) {
    case Relation::requirement:
        // One that is good but about to stop does not count: its dependents would start only to be stopped.
        counts.unkept = !(dependency.good && dependency.keep);
        counts.blocked = counts.unkept;
        if (dependency.good &&
            dependency.coming) // it runs again: those that are up go on, those that are not wait for its end
            counts.blocked = 1;
        counts.failed = dependency.lost;
        counts.stuck = !dependency.hopeful;
        break;
    case Relation::milestone:
        counts.blocked = !(dependency.good || dependency.came_up);
        counts.failed = dependency.lost && !dependency.came_up;
        counts.stuck = !(dependency.hopeful || dependency.came_up);
        break;
    default: // want and after: only one that is still on its way is waited for
        counts.blocked = dependency.coming;
        break;
    }
    return counts;
}

Counts downward(Relation relation, Facts dependent) {
    Counts counts;
    counts.pulled = relation != Relation::after && dependent.pulls;
    // Who requires it has to go first in any case; the others only if they are going.
    counts.held = dependent.active && (relation == Relation::requirement || !dependent.keep);
    return counts;
}

Facts facts_of(const Record& record, const Counts& counts, bool accepts_wishes) {
    Facts facts;
    const Phase phase = record.phase;
    const bool kept = record.next == Next::keep, resting = record.next == Next::rest;
    facts.wanted = phase != Phase::invalid && record.asked != Asked::down &&
                   (kept || (accepts_wishes && (record.asked == Asked::up || counts.pulled > 0)));
    facts.pulls = facts.wanted && !kept && phase != Phase::failed && phase != Phase::skipped && !resting;
    // What a kept one needs is stopped, and comes back in the other root.
    facts.keep = facts.wanted && (kept || counts.unkept == 0) && record.next != Next::restart;
    facts.good = good(record);
    facts.came_up = record.came_up;
    facts.coming = facts.wanted && !resting && !record.armed && counts.stuck == 0 &&
                   (phase == Phase::down || phase == Phase::waiting || phase == Phase::starting ||
                    phase == Phase::stopping || record.next == Next::again);
    facts.hopeful = facts.wanted && (facts.good || facts.coming || phase == Phase::backoff);
    facts.lost = phase == Phase::failed || phase == Phase::invalid;
    facts.active = active(phase) && !kept;
    return facts;
}

} // namespace mi::core
