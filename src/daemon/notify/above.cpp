// What we tell whoever supervises us, where somebody does (sd_notify(3) the other way round): a user's systemd, podman.
#include "daemon/supervisor.hpp"

#include <algorithm>

namespace mi::daemon {

using core::Phase;

// The address they gave us. The machine's own init has nobody above it, and the main process of a container, which has our
// environment, speaks for itself.
std::string_view Supervisor::address_above() const {
    constexpr std::string_view key = "NOTIFY_SOCKET=";
    if (context_.place.system() || !entry_.empty())
        return {};
    for (std::string_view variable : context_.surroundings.environment)
        if (variable.starts_with(key))
            return variable.substr(key.size());
    return {};
}

// Once, when what was asked for is there: the target, or else all that is enabled, as far as it comes up.
void Supervisor::tell_above() {
    if (told_ready_ || !upward_.wanted() || context_.engine.halting())
        return;
    const core::Graph& graph = context_.graph();
    if (core::UnitId target = boot_target_.id();
        target != core::no_unit ? !core::good(context_.record(target).phase)
                                : !boot_target_.name().empty() || context_.engine.coming_units() > 0)
        return;
    told_ready_ = true;
    context_.manager_moved = true;
    std::size_t up = 0, failed = 0;
    for (core::UnitId id : graph.ids()) {
        Phase phase = context_.record(id).phase;
        up += graph.unit(id).kind == core::Kind::service && core::active(phase) ? 1 : 0;
        failed += phase == Phase::failed || phase == Phase::invalid || phase == Phase::backoff ? 1 : 0;
    }
    upward_.say("READY=1\nSTATUS=" + std::to_string(up) + (up == 1 ? " service is up" : " services are up") +
                (failed > 0 ? ", " + std::to_string(failed) + " failed" : ""));
}

} // namespace mi::daemon
