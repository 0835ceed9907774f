// The hardware watchdog: a timer that restarts the machine unless it is fed in time (Linux kernel
// Documentation/watchdog/watchdog-api.rst).
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <string>

namespace mi::os {

// Destroying the object without disarm() leaves the timer running, and open() can take it up again. So the timer also
// covers the time in which one program image replaces another.
class Watchdog {
public:
    // Opens /dev/watchdog0 (or /dev/watchdog) and arms it with the possible timeout nearest to `timeout`. Fault ENOENT:
    // there is no such device, or not yet.
    [[nodiscard]] static Result<Watchdog> open(Span timeout);
    // Whether it is armed, as far as the kernel tells.
    [[nodiscard]] static bool is_running();
    // Changes the timeout. The hardware supports only some numbers of whole seconds: timeout() is the one in force.
    void set(Span timeout);
    // Restarts the timer.
    Result<> feed();
    // Stops the timer, if the hardware can be stopped.
    Result<> disarm();

    explicit operator bool() const { return static_cast<bool>(device_); }
    [[nodiscard]] Span timeout() const { return timeout_; }
    // The name that the driver reports.
    [[nodiscard]] const std::string& identity() const { return identity_; }
    // Whether the watchdog caused the last restart of the machine.
    [[nodiscard]] bool has_restarted() const { return has_restarted_; }

private:
    Fd device_;
    Span timeout_{0};
    std::string identity_;
    bool has_restarted_ = false;
};

} // namespace mi::os
