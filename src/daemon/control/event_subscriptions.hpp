// Clients that listen to events: changes of units, what services say of themselves, and what the init says.
#pragma once

#include "daemon/parts.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mi::daemon {

class EventSubscriptions {
public:
    explicit EventSubscriptions(Parts& parts) : parts_(parts) {}

    // From now on the call gets the events of these units; none: all events.
    void subscribe(CallId id, std::vector<std::string> units);
    void forget(CallId id) { subscriptions_.erase(id); }
    // For the snapshot: the units of the call, null if it is none of these.
    [[nodiscard]] const std::vector<std::string>* units_of(CallId id) const;
    [[nodiscard]] bool empty() const { return subscriptions_.empty(); }

    // The event of a unit that has changed.
    [[nodiscard]] wire::Event change_of(core::UnitId unit, core::Phase from, core::Phase to) const;
    void publish(const wire::Event& event);
    // Publishes the health that the unit has now.
    void health_changed(core::UnitId unit);
    // A line of the init.
    void publish_text(const std::string& text);
    // The unit says how it is; that is published by publish_statuses.
    void status_changed(core::UnitId unit);
    void publish_statuses();

private:
    [[nodiscard]] wire::Event event_of(wire::EventKind kind, std::optional<std::string> unit) const;

    Parts& parts_;
    std::map<CallId, std::vector<std::string>> subscriptions_; // units in their order; none: everything
    std::set<std::string> statuses_;                           // of these units, not published yet
};

} // namespace mi::daemon
