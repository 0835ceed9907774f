#include "daemon/notify/parent_notify.hpp"

#include "base/count.hpp"
#include "daemon/units/boot_target.hpp"

#include <string>
#include <string_view>

namespace mi::daemon {

using core::Phase;

namespace {

// The address they gave us. The machine's own init has no supervisor.
std::string_view address(const Context& context, bool has_entry) {
    constexpr std::string_view key = "NOTIFY_SOCKET=";
    if (context.place.system() || has_entry)
        return {};
    for (std::string_view variable : context.surroundings.environment)
        if (variable.starts_with(key))
            return variable.substr(key.size());
    return {};
}

} // namespace

ParentNotify::ParentNotify(Context& context, const BootTarget& target, bool has_entry)
    : context_(context), target_(target), client_(address(context, has_entry)) {}

bool ParentNotify::ready() const {
    if (core::UnitId target = target_.id(); target != core::no_unit)
        return core::good(context_.record(target).phase);
    return target_.name().empty() && context_.engine.coming_units() == 0;
}

void ParentNotify::turn_ends() {
    if (told_ready_ || !client_.wanted() || context_.engine.halting() || !ready())
        return;
    told_ready_ = true;
    context_.manager_moved = true;
    std::size_t up = 0, failed = 0;
    for (core::UnitId id : context_.graph().ids()) {
        const Phase phase = context_.record(id).phase;
        up += context_.unit(id).kind == core::Kind::service && core::active(phase) ? 1 : 0;
        failed += core::has_failed(phase, context_.unit(id).masked) || phase == Phase::backoff ? 1 : 0;
    }
    client_.send("READY=1\nSTATUS=" + counted(up, "service is up", "services are up") +
                 (failed > 0 ? ", " + std::to_string(failed) + " failed" : ""));
}

} // namespace mi::daemon
