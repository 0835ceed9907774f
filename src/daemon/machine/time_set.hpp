// Whether the machine's clock can be believed: RUN/time-set is there from then on, which the target `time-set` awaits. A clock that
// was earlier than this program, for want of a hardware clock or of its battery, was set to the program's build time when the machine
// came up; it is believed once somebody (hwclock, an NTP client, a hand) has set it to a later time.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"
#include "os/process/alarm.hpp"

#include <memory>
#include <optional>

namespace mi::daemon {

class TimeSet final : public Subsystem {
public:
    explicit TimeSet(Context& context) : context_(context) {}

    // Of a machine only. While the clock is not believed a descriptor tells when it is set; else this costs nothing.
    void open();

private:
    [[nodiscard]] bool look();

    Context& context_;
    std::optional<os::WallAlarm> steps_;
    std::unique_ptr<loop::Watch> watch_;
    bool over_ = false;
};

} // namespace mi::daemon
