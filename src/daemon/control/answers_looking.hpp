// What clients ask to see: of the manager, of units, of the boot.
#pragma once

#include "base/clock.hpp"
#include "daemon/control/unit_lookup.hpp"

#include <functional>
#include <string>
#include <vector>

namespace mi::daemon {

class LookingAnswers {
public:
    LookingAnswers(Parts& parts, UnitLookup& lookup) : parts_(parts), lookup_(lookup) {}

    void answer(CallId id, const Caller&, const wire::Ping&);
    void answer(CallId id, const Caller&, const wire::GetOverview&);
    void answer(CallId id, const Caller&, const wire::List& list);
    void answer(CallId id, const Caller& caller, const wire::Status& status);
    void answer(CallId id, const Caller& caller, const wire::Explain& explain);
    void answer(CallId id, const Caller& caller, const wire::Tree& tree);
    void answer(CallId id, const Caller& caller, const wire::Probe&);
    void answer(CallId id, const Caller&, const wire::BootTimes&);

private:
    // Answers with a list, made as the client reads it: of each of these units that is still there what `append` adds for
    // it; false: nothing. By name, as units may be read again before a slow client has read it all.
    using AppendUnit = std::function<bool(std::string&, core::UnitId)>;
    void reply_units(CallId id, const wire::Reply& empty, std::vector<std::string> names, AppendUnit append);

    Parts& parts_;
    UnitLookup& lookup_;
    wire::Features probed_; // what Probe found last
    Instant probed_at_{};
};

} // namespace mi::daemon
