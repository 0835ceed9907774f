// What parts need of one another where references would go round in a circle: each such need is an interface of the part that has it, and
// is met here.
#pragma once

#include "daemon/machine/reachability.hpp"
#include "daemon/machine/shutdown.hpp"
#include "daemon/machine/signals.hpp"
#include "daemon/process/main_process.hpp"
#include "daemon/recovery/succession.hpp"

#include <string_view>

namespace mi::daemon {

struct Parts;

class Wiring final : public Succession::Host,
                     public Shutdown::Host,
                     public Reachability::Host,
                     public Signals::Host,
                     public MainProcess::Host {
public:
    explicit Wiring(Parts& parts) : parts_(parts) {}

    // The manager's settings were read again.
    void settings_read();

    void end_for_another_root(bool keep) override;
    void flush_answers() override;
    void shutdown_begins(std::string_view what) override;
    void shutdown_is_over() override;
    void check_notify_sockets(bool closely) override;
    Instant check_unit_sockets(os::PathWatch& paths) override;
    void watch_unit_sockets(os::PathWatch& paths) override;
    void reap() override;
    void reload() override;
    [[nodiscard]] pid_t main_on_its_way(core::UnitId unit) const override;
    void collect() override { reap(); }
    void hear(core::UnitId unit) override;

private:
    Parts& parts_;
};

} // namespace mi::daemon
