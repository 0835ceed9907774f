// What clients ask to be done with the machine, and with the init itself.
#pragma once

#include "daemon/control/waiting_calls.hpp"

namespace mi::daemon {

class MachineAnswers {
public:
    MachineAnswers(Parts& parts, WaitingCalls& waiting) : parts_(parts), waiting_(waiting) {}

    void answer(CallId id, const Caller& caller, const wire::Shutdown& shutdown);
    void answer(CallId id, const Caller& caller, const wire::CancelShutdown& cancel);
    void answer(CallId id, const Caller&, const wire::SwitchRoot& to);
    void answer(CallId id, const Caller& caller, const wire::Run& run);
    void answer(CallId id, const Caller&, const wire::Reexec&);

private:
    Parts& parts_;
    WaitingCalls& waiting_;
};

} // namespace mi::daemon
