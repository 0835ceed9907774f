// The handler of control calls: hands each request to the class that answers it, and tells the calls that wait
// (waiting_calls.hpp) or listen (event_subscriptions.hpp) what happens.
#pragma once

#include "daemon/control/answers_acting.hpp"
#include "daemon/control/answers_looking.hpp"
#include "daemon/control/answers_machine.hpp"
#include "daemon/control/answers_metrics.hpp"

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
    Parts& parts_;
    UnitLookup lookup_{parts_};
    WaitingCalls waiting_{parts_};
    EventSubscriptions events_{parts_};
    LookingAnswers looking_{parts_, lookup_};
    ActingAnswers acting_{parts_, lookup_, waiting_, events_};
    MachineAnswers machine_{parts_, waiting_};
    MetricsAnswers metrics_{parts_};
};

} // namespace mi::daemon
