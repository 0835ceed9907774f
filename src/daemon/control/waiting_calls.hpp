// The control calls that wait for something: units that get to where they were asked to be, another program or another root.
// At the end of a turn in which something changed, those that have what they waited for are answered.
#pragma once

#include "daemon/parts.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mi::daemon {

class WaitingCalls {
public:
    using Goal = state::Goal; // never `events` here: who subscribes waits for no end

    explicit WaitingCalls(Parts& parts) : parts_(parts) {}

    // Answers once these units are at their goal; without `wait`, or where no client waits, at once.
    void begin(CallId id, const Caller& caller, Goal goal, const std::vector<core::UnitId>& units, bool wait);
    // Answers once the unit is in that phase, or has that health if one is given, or cannot get there.
    void await_state(CallId id, const Caller& caller, const std::string& unit, core::Phase phase,
                     std::optional<core::Health> health);
    // Waits for Goal::reexec or Goal::switch_root.
    void await(CallId id, Goal goal) { calls_[id] = {.goal = goal}; }
    // Waits on for what a call of the program before us waited for.
    void adopt(const state::ClientImage& image);
    void forget(CallId id) { calls_.erase(id); }

    // For the snapshot: what the call waits for, and the units, null if it is none of these.
    [[nodiscard]] const std::vector<std::string>* tell(CallId id, state::ClientImage& image) const;
    [[nodiscard]] bool empty() const { return calls_.empty(); }

    // Tells a change of a unit to those that want to hear of progress.
    void publish(const wire::Event& event);
    // Something changed that calls may have waited for.
    void something_changed() { moved_ = true; }
    // Ends all calls with that goal: `error` says why, none: it is reached.
    void end_all(Goal goal, const wire::Error* error);
    void turn_ended();

private:
    // Units by name: they may be read again meanwhile.
    struct Waiting {
        Goal goal = Goal::start;
        std::vector<std::string> units;
        std::vector<std::string> not_read;   // those that ran, whose files were not read again for it
        core::Phase state = core::Phase::up; // for Goal::state
        bool more = false;
        std::optional<core::Health> health{}; // for Goal::state, instead of `state`
    };

    // Answers if the state is reached, or will not be. False: it waits on.
    bool answer_state(CallId id, const Waiting& call);
    bool answer_units(CallId id, const Waiting& call);
    // Whether the unit has got where the goal wants it, and how.
    [[nodiscard]] bool settled(Goal goal, core::UnitId unit, wire::JobResult& result) const;
    void tell_of_files(const Waiting& call, wire::Progress& progress) const;

    Parts& parts_;
    std::map<CallId, Waiting> calls_;
    bool moved_ = false; // something changed in this turn
};

} // namespace mi::daemon
