// The hardware's watchdog: a clock that restarts the machine unless it is wound up again in time.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <string>

namespace mi::os {

// Whoever lets go of one without disarm() leaves it running: the clock goes on, and can be taken up again by open(). So it
// also watches over the time in which a program is replaced by another.
class Watchdog {
public:
    // /dev/watchdog0, armed with the time nearest to `timeout`. Fault ENOENT: there is no such device, or not yet.
    [[nodiscard]] static Result<Watchdog> open(Span timeout);
    // Whether it is armed, as far as the kernel tells.
    [[nodiscard]] static bool is_running();
    // Another time. The hardware knows whole seconds, and not any number of them: what is in force then is timeout().
    void set(Span timeout);
    // "Still alive": the time begins anew.
    Result<> feed();
    // Stops it, where the hardware can be stopped.
    Result<> disarm();

    explicit operator bool() const { return static_cast<bool>(device_); }
    [[nodiscard]] Span timeout() const { return timeout_; }
    // How the driver calls it.
    [[nodiscard]] const std::string& identity() const { return identity_; }
    // Whether it was it that restarted the machine.
    [[nodiscard]] bool has_restarted() const { return has_restarted_; }

private:
    Fd device_;
    Span timeout_{0};
    std::string identity_;
    bool has_restarted_ = false;
};

} // namespace mi::os
