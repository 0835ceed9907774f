#include "daemon/log/log_upkeep.hpp"

#include "os/crash/crash.hpp"

namespace mi::daemon {

void LogUpkeep::adopt() {
    if (context_.logs.pid() != 0)
        context_.children.expect(context_.logs.pid(), *this);
    tell_guard();
}

// The pipe of our own lines is there, or another one.
void LogUpkeep::tell_guard() {
    if (guard_ != nullptr && context_.logs.own_lines() >= 0)
        guard_->page().log = context_.logs.own_lines();
}

void LogUpkeep::collector_started() {
    context_.children.expect(context_.logs.pid(), *this);
    context_.manager_moved = true;
    tell_guard();
    save_();
}

void LogUpkeep::exited(const os::Exit& exit) {
    using Ended = LogLink::Ended;
    const Ended ended = context_.logs.exited(exit.pid, exit.code, exit.kind == os::Exit::Kind::killed, context_.now);
    if (ended != Ended::not_ours)
        flush_.give_up(); // its successor reads what is left, and does not know what was asked
    if (ended == Ended::finished)
        finished_();
}

// Of a unit that is gone, and of the init's own logs, nothing is kept.
void LogUpkeep::counted(const wire::logs::Count& count) {
    const core::UnitId unit = context_.graph().find(count.unit);
    if (unit == core::no_unit)
        return;
    context_.units[unit].log_lines += count.lines;
    context_.units[unit].log_lost_lines += count.lost;
    context_.engine.mark(unit);
}

void LogUpkeep::save_unit(core::UnitId unit, state::UnitImage& image) const {
    image.log_lines = context_.units[unit].log_lines;
    image.log_lost_lines = context_.units[unit].log_lost_lines;
}

void LogUpkeep::restore_unit(core::UnitId unit, state::UnitImage& image) {
    context_.units[unit].log_lines = image.log_lines;
    context_.units[unit].log_lost_lines = image.log_lost_lines;
}

// What was mounted just now may be where the logs belong.
void LogUpkeep::unit_changed(core::UnitId unit, core::Phase, core::Phase to) {
    if ((to == core::Phase::up || to == core::Phase::done) &&
        context_.unit(unit).service.type == core::ServiceType::oneshot &&
        context_.logs.directory() != context_.place.log_directories.front())
        context_.logs.try_storage();
}

} // namespace mi::daemon
