// What control calls do: requests become events for the engine, records become statuses. Calls that wait for something are
// waiting_calls.hpp's, those that listen event_subscriptions.hpp's.
#pragma once

#include "base/clock.hpp"
#include "daemon/control/event_subscriptions.hpp"
#include "daemon/control/unit_lookup.hpp"
#include "daemon/control/waiting_calls.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mi::daemon {

class Manager final : public ControlHandler, public Observer {
public:
    explicit Manager(Parts& parts) : parts_(parts) {}

    void call(CallId id, const Caller& caller, wire::Request request) override;
    void gone(CallId id) override;

    void changed(core::UnitId unit, core::Phase from, core::Phase to) override;
    void status_changed(core::UnitId unit) override;
    void health_changed(core::UnitId unit) override;
    void announced(const std::string& text) override;
    void not_reexecuted(const std::string& why) override;
    void switching_root(bool begins) override;
    [[nodiscard]] bool tell(CallId call, state::ClientImage& image) const override;
    // A call of the program before us: it waits on.
    void adopt(const state::ClientImage& image);
    void turn_ended() override;

private:
    void answer(CallId id, const Caller& caller, const wire::Ping&);
    void answer(CallId id, const Caller& caller, const wire::GetOverview&);
    void answer(CallId id, const Caller& caller, const wire::List& list);
    void answer(CallId id, const Caller& caller, const wire::Status& status);
    void answer(CallId id, const Caller& caller, const wire::Explain& explain);
    void answer(CallId id, const Caller& caller, const wire::Tree& tree);
    [[nodiscard]] wire::Overview overview() const;
    void answer(CallId id, const Caller& caller, const wire::Start& start);
    void answer(CallId id, const Caller& caller, const wire::Stop& stop);
    void answer(CallId id, const Caller& caller, const wire::Restart& restart);
    void answer(CallId id, const Caller& caller, const wire::TryRestart& restart);
    void answer(CallId id, const Caller& caller, const wire::Reload& reload);
    void answer(CallId id, const Caller& caller, const wire::Signal& signal);
    void answer(CallId id, const Caller& caller, const wire::Freeze& freeze);
    void answer(CallId id, const Caller& caller, const wire::Thaw& thaw);
    void answer(CallId id, const Caller& caller, const wire::Reset& reset);
    void answer(CallId id, const Caller& caller, const wire::Wait& wait);
    void answer(CallId id, const Caller& caller, const wire::Target& target);
    void answer(CallId id, const Caller& caller, const wire::Events& events);
    void answer(CallId id, const Caller& caller, const wire::ReloadUnits&);
    void answer(CallId id, const Caller& caller, const wire::Shutdown& shutdown);
    void answer(CallId id, const Caller& caller, const wire::CancelShutdown& cancel);
    void answer(CallId id, const Caller& caller, const wire::SwitchRoot& to);
    void answer(CallId id, const Caller& caller, const wire::Probe&);
    void answer(CallId id, const Caller& caller, const wire::BootTimes&);

    void answer(CallId id, const Caller& caller, const wire::Run& run);
    void answer(CallId id, const Caller& caller, const wire::Reexec&);
    void answer(CallId id, const Caller& caller, const wire::ListMetrics&);
    void answer(CallId id, const Caller& caller, const wire::DescribeMetrics&);

    // Starts, stops or restarts units, and answers when that is done, or with `wait` off at once.
    void act(CallId id, const Caller& caller, const std::vector<std::string>& units, state::Goal goal, bool wait,
             bool arm = false);
    // Applied now, performed in this turn.
    void apply(const core::Event& event);
    // Answers with a list, made as the client reads it: of each of these units that is still there what `append` adds for
    // it; false: nothing. By name, as units may be read again before a slow client has read it all.
    using AppendUnit = std::function<bool(std::string&, core::UnitId)>;
    void reply_units(CallId id, const wire::Reply& empty, std::vector<std::string> names, AppendUnit append);

    Parts& parts_;
    UnitLookup lookup_{parts_};
    WaitingCalls waiting_{parts_};
    EventSubscriptions events_{parts_};
    wire::Features probed_; // what Probe found last
    Instant probed_at_{};
};

// What is said of a scheduled end.
[[nodiscard]] std::optional<wire::ScheduledShutdown> told(const Parts& parts, const std::optional<ScheduledEnd>& end);

} // namespace mi::daemon
