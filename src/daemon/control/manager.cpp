#include "daemon/control/manager.hpp"

#include <utility>

namespace mi::daemon {

using core::Phase;
using core::UnitId;

void Manager::call(CallId id, const Caller& caller, wire::Request request) {
    parts_.log.flush.take_barrier();
    // A request that none of them answers does not compile.
    std::visit(
        [&](const auto& one) {
            if constexpr (requires { looking_.answer(id, caller, one); })
                looking_.answer(id, caller, one);
            else if constexpr (requires { acting_.answer(id, caller, one); })
                acting_.answer(id, caller, one);
            else if constexpr (requires { metrics_.answer(id, caller, one); })
                metrics_.answer(id, caller, one);
            else
                machine_.answer(id, caller, one);
        },
        request);
}

void Manager::gone(CallId id) {
    waiting_.forget(id);
    events_.forget(id);
}

bool Manager::tell(CallId call, state::ClientImage& image) const {
    const std::vector<std::string>* units = events_.units_of(call);
    if (units == nullptr)
        units = waiting_.tell(call, image);
    if (units != nullptr)
        image.units = *units;
    return units != nullptr;
}

void Manager::adopt(const state::ClientImage& image) {
    const CallId call{image.call};
    if (image.asks_unknown || image.goal == state::Goal::switch_root) // that root is this one
        parts_.control->error(call, wire::NotSupported{"the manager is another one now, and does not know this call"});
    else if (image.goal == state::Goal::events)
        events_.subscribe(call, image.units);
    else if (image.goal == state::Goal::reexec)
        parts_.control->reply(call, wire::Nothing{});
    else
        waiting_.adopt(image);
}

// --- what happened ----------------------------------------------------------------------------------------------------

void Manager::changed(UnitId unit, Phase from, Phase to) {
    waiting_.something_changed();
    events_.publish_statuses(); // they were said before
    if (events_.empty() && waiting_.empty())
        return;
    const wire::Event event = events_.change_of(unit, from, to);
    events_.publish(event);
    waiting_.publish(event);
}

void Manager::health_changed(UnitId unit) {
    waiting_.something_changed();
    events_.health_changed(unit);
}

void Manager::status_changed(UnitId unit) {
    waiting_.something_changed(); // what waits for ever is not waited for
    events_.status_changed(unit);
}

void Manager::announced(const std::string& text) { events_.publish_text(text); }

void Manager::not_reexecuted(const std::string& why) {
    const wire::Error error = wire::NotSupported{why};
    waiting_.end_all(state::Goal::reexec, &error);
}

void Manager::switching_root(bool begins) {
    const wire::Error error = wire::ShuttingDown{};
    waiting_.end_all(state::Goal::switch_root, begins ? nullptr : &error);
}

void Manager::turn_ended() {
    events_.publish_statuses();
    waiting_.turn_ended();
}

} // namespace mi::daemon
