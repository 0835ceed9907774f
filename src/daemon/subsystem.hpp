// One concern of PID 1: whatever has processes, deadlines or something of each unit to look after. It is listed once, in parts.cpp,
// and takes part in every turn from then on (turn.hpp); what it leaves out does nothing.
#pragma once

#include "base/time.hpp"
#include "core/event.hpp"

namespace mi::os {
struct Exit;
}
namespace mi::state {
struct ManagerImage;
struct UnitImage;
} // namespace mi::state

namespace mi::daemon {

class Subsystem {
public:
    Subsystem() = default;
    Subsystem(const Subsystem&) = delete;
    Subsystem& operator=(const Subsystem&) = delete;
    virtual ~Subsystem() = default;

    // The earliest moment at which due() would do something; `never` where there is none.
    [[nodiscard]] virtual Instant next_deadline() const { return never; }
    // That moment has come.
    virtual void due(Instant) {}
    // A process that it has registered (Children::expect) has ended.
    virtual void exited(const os::Exit&) {}
    // Some child has ended, with or without an owner.
    virtual void children_ended() {}
    // The engine has decided something of a kind that this subsystem was registered for (Turn::performs).
    virtual void perform(const core::Effect&) {}
    // The unit has gone from one phase to another.
    virtual void unit_changed(core::UnitId, core::Phase, core::Phase) {}
    // A deadline of the unit has passed, but perhaps we are late ourselves: what it has said and done by now is taken in first.
    virtual void catch_up(core::UnitId) {}
    // The run of the unit is over, and nothing of it is left: what was kept for it goes.
    virtual void run_ended(core::UnitId) {}
    // There is no such unit any more, and nothing of it runs: what refers to it is dropped.
    virtual void unit_gone(core::UnitId) {}
    // Units were read again: any of them may have other settings, and so may the manager.
    virtual void units_reread() {}
    // What outlives PID 1's program: its part of what is saved of the manager, and of a unit. The next program restores it after
    // everything is opened and before anything is acted on.
    virtual void save(state::ManagerImage&) const {}
    virtual void restore(const state::ManagerImage&) {}
    virtual void save_unit(core::UnitId, state::UnitImage&) const {}
    virtual void restore_unit(core::UnitId, state::UnitImage&) {}
    // All that this turn brought is done, and nothing of it is saved or sent yet.
    virtual void turn_ends() {}
};

} // namespace mi::daemon
