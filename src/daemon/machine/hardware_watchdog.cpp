#include "daemon/machine/hardware_watchdog.hpp"

#include "daemon/machine/boot_result.hpp"
#include "daemon/units/boot_target.hpp"

#include <cerrno>
#include <utility>

namespace mi::daemon {

std::string HardwareWatchdog::words() const {
    if (!watchdog_)
        return {};
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(watchdog_.timeout());
    return watchdog_.identity() + ", " + std::to_string(seconds.count()) + " s";
}

void HardwareWatchdog::apply_settings() {
    const Span wanted = context_.settings.watchdog;
    if (!context_.place.system() || wanted == asked_)
        return;
    if (watchdog_ && wanted == Span{0}) {
        if (auto off = watchdog_.disarm(); !off)
            context_.say(Priority::warning, off.error().text());
        context_.say(Priority::info, "the hardware watchdog is off");
        watchdog_ = {};
        feed_at_ = never;
    } else if (watchdog_) {
        watchdog_.set(wanted);
        context_.say(Priority::info, "hardware watchdog: " + words());
        feed_at_ = context_.now;
    } else {
        auto opened = os::Watchdog::open(wanted);
        if (!opened && opened.error().code == ENOENT && !target_.was_reached())
            return;
        if (opened) {
            watchdog_ = std::move(*opened);
            context_.say(Priority::info, "hardware watchdog: " + words());
            if (watchdog_.has_restarted())
                context_.say(Priority::warning, "it was the hardware watchdog that restarted this machine");
            feed_at_ = context_.now;
        } else {
            context_.say(Priority::warning, opened.error().text() + "; no hardware watches over this machine");
        }
    }
    asked_ = wanted;
}

void HardwareWatchdog::due(Instant now) {
    if (now >= boot_.feed_until()) {
        context_.say(Priority::alert, "the boot is not over within its time: the hardware watchdog is fed no more");
        feed_at_ = never;
        return;
    }
    if (auto fed = watchdog_.feed(); !fed) {
        context_.say(Priority::err, fed.error().text());
        feed_at_ = never;
        return;
    }
    feed_at_ = now + watchdog_.timeout() / 2;
}

// A oneshot may have loaded the driver; and when the target is reached, a device that is missing is said.
void HardwareWatchdog::unit_changed(core::UnitId unit, core::Phase, core::Phase to) {
    if ((to == core::Phase::up || to == core::Phase::done) &&
        (context_.unit(unit).service.type == core::ServiceType::oneshot || target_.is(unit)))
        apply_settings();
}

} // namespace mi::daemon
