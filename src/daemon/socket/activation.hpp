// Socket activation: the sockets of units are opened before anything starts, watched while a unit is armed, and handed to its
// processes. A process for each connection is made by the host.
#pragma once

#include "daemon/context.hpp"
#include "daemon/socket/connections.hpp"
#include "daemon/socket/fd_store.hpp"
#include "daemon/socket/sockets.hpp"
#include "daemon/subsystem.hpp"
#include "daemon/units/conditions.hpp"

#include <expected>
#include <map>
#include <set>
#include <string>

namespace mi::daemon {

class Activation final : public Subsystem, private Connections::Host {
public:
    struct Host {
        virtual ~Host() = default;
        // Makes the unit's process for a connection, which is handed to it; the unit is armed and idle. Without one: why, or no
        // words where it is tried again when what it waits for is known. `later`: the connection waits.
        struct NotServed {
            std::string why;
            bool later = false;
        };
        virtual std::expected<pid_t, NotServed> serve(core::UnitId unit, Handed handed) = 0;
    };
    Activation(Context& context, const Circumstances& circumstances, FdStore& fd_store, Host& host)
        : context_(context), circumstances_(circumstances), fd_store_(fd_store), host_(host),
          sockets_(context.units, context.surroundings.hanging), connections_(context.kernel, context.units, *this) {}

    // The boot begins: opens the sockets of all units that are wanted, before the first process is made; on a machine those of units
    // that come after `sysinit` when that is up.
    void open_early();
    // Opens the sockets of a unit that starts. The engine hears of it.
    void open(core::UnitId unit);
    // The unit is at rest.
    void close(core::UnitId unit);
    // Nothing of the unit runs: its sockets are watched. They are what its file says by now.
    void await_connections(core::UnitId unit);
    void perform(const core::Effect& effect) override;
    void disarm(core::UnitId unit) { connections_.disarm(unit); }
    // What the main process of a unit is handed: its sockets, and the descriptors that it has left with us.
    [[nodiscard]] std::expected<Handed, std::string> hand(core::UnitId unit);

    // Sockets of units whose paths are lost are made again. All paths are watched from now on. When to look again, where one could
    // not be made and nothing may tell that it can; never: all are there.
    [[nodiscard]] Instant look_after(os::PathWatch& paths);
    // The same for paths of sockets that were opened since, which are only watched.
    void watch_new(os::PathWatch& paths);

    // The process of a connection has ended, and how; or there is none of it after all.
    void ended(core::UnitId unit, pid_t pid, const core::ExitStatus& exit);
    void ended(core::UnitId unit, pid_t pid);
    // Words for the unit's log, about a connection: at most once a second for each unit.
    void complain(core::UnitId unit, const std::string& text);

    [[nodiscard]] Instant next_deadline() const override { return connections_.next_deadline(); }
    void due(Instant now) override { connections_.due(now); }
    void save_unit(core::UnitId unit, state::UnitImage& image) const override;
    void restore_unit(core::UnitId unit, state::UnitImage& image) override;
    void unit_changed(core::UnitId unit, core::Phase from, core::Phase to) override;
    void unit_gone(core::UnitId unit) override;
    void units_reread() override;

    [[nodiscard]] const Connections& connections() const { return connections_; }
    [[nodiscard]] Connections& connections() { return connections_; } // to restore them

private:
    [[nodiscard]] std::expected<void, NoStart> bring_up_to_date(core::UnitId unit);
    [[nodiscard]] Instant look_after(core::UnitId unit);
    void arrived(core::UnitId unit) override;
    Connections::Serving serve(core::UnitId unit, const os::Connection& connection) override;
    void connection_trouble(core::UnitId unit, const std::string& text) override { complain(unit, text); }

    Context& context_;
    const Circumstances& circumstances_;
    FdStore& fd_store_;
    Host& host_;
    Sockets sockets_;
    Connections connections_;
    std::map<core::UnitId, Instant> lost_;   // since when some of its sockets are not reached
    std::map<core::UnitId, Instant> remade_; // when sockets of a unit were made again last, or that was tried
    std::set<core::UnitId> unwatched_;       // their sockets were opened, and their paths are not watched yet
};

} // namespace mi::daemon
