// One concern of PID 1: whatever has processes, deadlines or something of each unit to look after. It is listed once, in run.cpp,
// and takes part in every turn from then on (turn.hpp); what it leaves out does nothing.
#pragma once

#include "base/time.hpp"
#include "core/record.hpp"

namespace mi::os {
struct Exit;
}

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
    // The unit has gone from one phase to another.
    virtual void unit_changed(core::UnitId, core::Phase, core::Phase) {}
    // There is no such unit any more, and nothing of it runs: what refers to it is dropped.
    virtual void unit_gone(core::UnitId) {}
    // Units were read again: any of them may have other settings.
    virtual void units_reread() {}
};

} // namespace mi::daemon
