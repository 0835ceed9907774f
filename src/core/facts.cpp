#include "core/facts.hpp"

namespace mi::core {

Counts upward(Relation relation, Facts dependency) {
    Counts counts;
    switch (relation) {
    case Relation::requirement:
        // A unit that is good but about to stop does not count: its dependents would start only to be stopped.
        counts.unkept = !(dependency.good && dependency.keep);
        counts.blocked = counts.unkept;
        if (dependency.good &&
            dependency.coming) // it runs again: dependents that are up stay up, the others wait for its end
            counts.blocked = 1;
        counts.failed = dependency.lost;
        counts.stuck = !dependency.hopeful;
        break;
    case Relation::milestone:
        counts.blocked = !(dependency.good || dependency.came_up);
        counts.failed = dependency.lost && !dependency.came_up;
        counts.stuck = !(dependency.hopeful || dependency.came_up);
        break;
    default: // want and after: wait only for a unit that is still on its way
        counts.blocked = dependency.coming;
        break;
    }
    return counts;
}

Counts downward(Relation relation, Facts dependent) {
    Counts counts;
    counts.pulled = relation != Relation::after && dependent.pulls;
    // Units that require it must stop first in any case; other dependents only if they stop, too.
    counts.held = dependent.active && (relation == Relation::requirement || !dependent.keep);
    return counts;
}

Facts facts_of(const Record& record, const Counts& counts, bool accepts_wishes) {
    Facts facts;
    const Phase phase = record.phase;
    const bool kept = record.next == Next::keep, resting = record.next == Next::rest;
    facts.wanted =
        phase != Phase::invalid && record.asked != Asked::down &&
        (kept || (accepts_wishes && (record.asked == Asked::up_alone ||
                                     ((record.asked == Asked::up || counts.pulled > 0) && counts.barred == 0))));
    facts.pulls = facts.wanted && !kept && phase != Phase::failed && phase != Phase::skipped && !resting;
    // The units that a kept one needs are stopped, and start again in the new root.
    facts.keep = facts.wanted &&
                 (kept || (counts.unkept == 0 && counts.leaving == 0 && record.presence != Presence::lost)) &&
                 record.next != Next::restart;
    facts.good = good(record);
    facts.came_up = record.came_up && (facts.wanted || phase != Phase::backoff); // it is about to be down by our will
    facts.coming = facts.wanted && !resting && !record.armed && counts.stuck == 0 &&
                   (phase == Phase::down || phase == Phase::starting || phase == Phase::stopping ||
                    (phase == Phase::waiting && record.presence != Presence::missing) || record.next == Next::again);
    facts.hopeful = facts.wanted && (facts.good || facts.coming || phase == Phase::backoff);
    facts.lost = phase == Phase::failed || phase == Phase::invalid;
    facts.active = active(phase) && !kept;
    // Not because a requirement of it stops: it may require its part, and both would hold each other down. It is leaving
    // as soon as it is stopped for that.
    const bool stops = !facts.wanted || record.next == Next::restart || record.presence == Presence::lost ||
                       (phase == Phase::stopping && record.own_end == OwnEnd::none);
    facts.leaving = (facts.active && stops) || phase == Phase::backoff;
    facts.barred = record.asked == Asked::down;
    return facts;
}

} // namespace mi::core
