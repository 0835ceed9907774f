#include "daemon/units/phase_report.hpp"

#include "core/explain.hpp"
#include "daemon/machine/builtin.hpp"

namespace mi::daemon {

using core::Phase;

void PhaseReport::unit_changed(core::UnitId unit, Phase from, Phase to) {
    note_times(unit, from, to);
    write_lines(unit, to);
}

void PhaseReport::note_times(core::UnitId unit, Phase from, Phase to) {
    UnitRun& run = context_.units[unit];
    run.first.note(to, context_.now);
    if (to == Phase::starting) {
        run.starting = context_.now;
        run.postponed = false;
        run.status.clear();
        run.trouble.clear();
    } else if ((to == Phase::up || to == Phase::done) && from == Phase::starting) {
        run.up = context_.now;
    }
}

// A phase that the unit has left again meanwhile is not told of.
void PhaseReport::write_lines(core::UnitId id, Phase to) {
    if (to == Phase::skipped)
        context_.log(id, Priority::info, "skipped: " + core::reason(context_.engine, id));
    if ((to != Phase::failed && to != Phase::backoff) || context_.record(id).phase != to)
        return;
    const std::string reason = core::reason(context_.engine, id);
    const std::string& name = context_.name(id);
    context_.log(id, to == Phase::failed ? Priority::err : Priority::warning,
                 (to == Phase::failed ? "failed: " : "will be tried again: ") + reason);
    // The last that could be offered: people at the console should know why there is nothing.
    if (to == Phase::backoff && name == builtin_name)
        context_.say(Priority::err, "no shell can be started: " + reason);
    if (to == Phase::failed && name != entry_) // its exit code says it
        context_.say(Priority::warning, name + " failed: " + reason);
}

void PhaseReport::save_unit(core::UnitId unit, state::UnitImage& image) const {
    const UnitRun& run = context_.units[unit];
    image.starting = run.starting.since_boot;
    image.up = run.up.since_boot;
    image.first = run.first;
    image.status = run.status;
    image.trouble = run.trouble;
}

void PhaseReport::restore_unit(core::UnitId unit, state::UnitImage& image) {
    UnitRun& run = context_.units[unit];
    run.starting = {image.starting};
    run.up = {image.up};
    run.first = image.first;
    run.status = std::move(image.status);
    run.trouble = std::move(image.trouble);
}

} // namespace mi::daemon
