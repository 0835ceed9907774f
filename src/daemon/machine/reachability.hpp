// Whether others can reach us where they look, kept so: the control socket, the sockets of units, those for sd_notify(3) and that of
// syslog(3) are made again where somebody has removed them, or has mounted something over them; a syslogd that puts its own socket in the place of
// ours keeps it. It also has the collector hear the kernel.
#pragma once

#include "daemon/context.hpp"
#include "daemon/subsystem.hpp"
#include "os/file/path_watch.hpp"

#include <memory>
#include <optional>
#include <string>

namespace mi::os {
class CrashGuard;
}

namespace mi::daemon {

class ControlServer;
class Shutdown;

class Reachability final : public Subsystem {
public:
    struct Host {
        virtual ~Host() = default;
        // Sees to the sockets for sd_notify(3); what cannot be made it gives to trouble(). `closely`: to each of them in any case.
        virtual void check_notify_sockets(bool closely) = 0;
        // Sees to the sockets of units, and has `paths` tell when something happens to theirs. When to look again in any case.
        virtual Instant check_unit_sockets(os::PathWatch& paths) = 0;
        // Has `paths` tell of those that were opened since.
        virtual void watch_unit_sockets(os::PathWatch& paths) = 0;
    };

    // `watches`: what the program before us had its directories watched by; none: -1. `guard`: null where there is none.
    Reachability(Context& context, const Shutdown& shutdown, Host& host, os::CrashGuard* guard, int watches);

    // Looks again from now on whenever something has happened at those places.
    void open();
    // From now on there is this control server, which outlives this.
    void serve(ControlServer& control);
    // Looks at all of them; `closely`: in any case also at each single socket.
    void check(bool closely);
    // One of them cannot be made: it is said once, with `what` follows from it, and tried again where nothing would tell.
    void trouble(const Fault& why, const std::string& what);
    // The way down begins.
    void shutdown_begins();
    // All is over: the socket of syslog(3) goes, where it is ours.
    void remove_syslog();

    void save(state::ManagerImage& image) const override { image.premises = paths_.watches(); }
    [[nodiscard]] Instant next_deadline() const override { return again_; }
    void due(Instant) override { check(true); }
    void turn_ends() override;
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;

private:
    void check_control();
    void check_kernel_log();
    void check_syslog();
    [[nodiscard]] bool waits_for_takeover();
    void syslog_refused(const std::string& path, const Fault& why);
    void watch(const std::string& directory);
    [[nodiscard]] bool watches() const;
    void tell_guard();
    [[nodiscard]] std::string syslog_path() const;

    Context& context_;
    const Shutdown& shutdown_;
    Host& host_;
    os::CrashGuard* guard_;
    ControlServer* control_ = nullptr;
    os::PathWatch paths_;
    std::unique_ptr<loop::Watch> watch_;
    std::optional<os::FileIdentity> control_at_, syslog_at_; // what was there when we made it
    Instant again_ = never;                                  // when what could not be made is tried again
    std::string told_, syslog_told_;                         // what was said of that
    bool kernel_log_told_ = false;
    Instant syslog_gone_ = never; // since when the socket of syslog(3) is not there
    bool syslog_taken_ = false;   // it is another program's
};

} // namespace mi::daemon
