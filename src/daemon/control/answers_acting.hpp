// What clients ask to be done with units.
#pragma once

#include "daemon/control/event_subscriptions.hpp"
#include "daemon/control/unit_lookup.hpp"
#include "daemon/control/waiting_calls.hpp"

#include <string>
#include <vector>

namespace mi::daemon {

class ActingAnswers {
public:
    ActingAnswers(Parts& parts, UnitLookup& lookup, WaitingCalls& waiting, EventSubscriptions& events)
        : parts_(parts), lookup_(lookup), waiting_(waiting), events_(events) {}

    void answer(CallId id, const Caller& caller, const wire::Start& start);
    void answer(CallId id, const Caller& caller, const wire::Stop& stop);
    void answer(CallId id, const Caller& caller, const wire::Restart& restart);
    void answer(CallId id, const Caller& caller, const wire::TryRestart& restart);
    void answer(CallId id, const Caller& caller, const wire::Reload& reload);
    void answer(CallId id, const Caller&, const wire::Signal& signal);
    void answer(CallId id, const Caller&, const wire::Freeze& freeze);
    void answer(CallId id, const Caller&, const wire::Thaw& thaw);
    void answer(CallId id, const Caller&, const wire::Reset& reset);
    void answer(CallId id, const Caller& caller, const wire::Wait& wait);
    void answer(CallId id, const Caller& caller, const wire::Target& target);
    void answer(CallId id, const Caller& caller, const wire::Events& events);
    void answer(CallId id, const Caller&, const wire::ReloadUnits&);

private:
    // Starts, stops or restarts units, and answers when that is done, or with `wait` off at once.
    void act(CallId id, const Caller& caller, const std::vector<std::string>& units, state::Goal goal, bool wait,
             bool arm = false);

    Parts& parts_;
    UnitLookup& lookup_;
    WaitingCalls& waiting_;
    EventSubscriptions& events_;
};

// Tells the engine now; what follows from it is performed in this turn.
void apply_now(Parts& parts, const core::Event& event);

} // namespace mi::daemon
