// The machine's hardware watchdog, which restarts it when PID 1 hangs: opened and set as the settings say, and fed in time.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"
#include "os/machine/watchdog.hpp"

#include <string>

namespace mi::daemon {

class BootResult;
class BootTarget;

class HardwareWatchdog final : public Subsystem {
public:
    // `target` is told of changes of units before this is. `boot`: until when it is fed, if the boot does not come to its end.
    HardwareWatchdog(Context& context, const BootTarget& target, const BootResult& boot)
        : context_(context), target_(target), boot_(boot) {}

    // Brings it to what the settings say. Its driver may be loaded by a unit: until the boot target is reached, it is no fault
    // that there is no such device.
    void apply_settings();
    // For people: "iTCO_wdt, 30 s"; empty where none is armed.
    [[nodiscard]] std::string words() const;
    [[nodiscard]] Span timeout() const { return watchdog_.timeout(); }

    [[nodiscard]] Instant next_deadline() const override { return feed_at_; }
    void due(Instant now) override;
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;
    void units_reread() override { apply_settings(); }

private:
    Context& context_;
    const BootTarget& target_;
    const BootResult& boot_;
    os::Watchdog watchdog_;
    Span asked_{0}; // the setting that it was brought to
    Instant feed_at_ = never;
};

} // namespace mi::daemon
