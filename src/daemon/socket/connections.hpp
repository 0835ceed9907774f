// What comes in at the sockets of units that are armed: the first connection to an on-demand service, every connection to
// one that has a process for each. Who those processes are, and what they are started with, is the host's.
#pragma once

#include "base/time.hpp"
#include "daemon/kernel.hpp"
#include "daemon/unit_table.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>

namespace mi::daemon {

class Connections {
public:
    // What became of a connection: it is some process's, it has to wait (for descriptors, for processes), or it is closed.
    struct Serving {
        enum class Kind : std::uint8_t { served, later, refused };
        Kind kind = Kind::refused;
        pid_t pid = 0;
    };
    struct Host {
        virtual ~Host() = default;
        // Something waits at a socket of the on-demand unit. It is disarmed by now.
        virtual void arrived(core::UnitId unit) = 0;
        // The unit's process for this connection, or why there is none.
        virtual Serving serve(core::UnitId unit, const os::Connection& connection) = 0;
        // Words for the unit's log.
        virtual void connection_trouble(core::UnitId unit, const std::string& text) = 0;
    };

    Connections(Kernel& kernel, UnitTable& units, Host& host) : kernel_(kernel), units_(units), host_(host) {}

    // Awaits connections to the unit; with `accept` they are accepted and served from now on. An on-demand unit to which they
    // came too often of late is watched again only after a pause: two services that connect to one another would start each
    // other without end.
    [[nodiscard]] Result<> arm(core::UnitId unit, std::span<const OpenSocket> sockets);
    // To be asked before an on-demand unit is armed again: how many times in a row it has ended at once and left what
    // waited, if that is too often; else 0.
    [[nodiscard]] unsigned idle_runs(core::UnitId unit, std::span<const OpenSocket> sockets, Instant now);
    [[nodiscard]] bool awaits(core::UnitId unit) const;
    // Nothing more is awaited or accepted. Processes of connections stay.
    void disarm(core::UnitId unit);
    // The unit is at rest: how often it was triggered no longer counts.
    void forget(core::UnitId unit);

    // A process of serve() has ended.
    void ended(pid_t pid);
    // Connections at one of the unit's sockets.
    [[nodiscard]] ConnectionCount count(core::UnitId unit, const core::Listen& listen) const;
    // There is no such unit any more.
    void unit_gone(core::UnitId unit);

    // --- saved state: of a process of serve(), the key in UnitConnections::counts ---
    [[nodiscard]] std::string socket_of(pid_t pid) const;
    void restore_count(core::UnitId unit, const std::string& socket, ConnectionCount count) {
        of(unit).counts[socket] = count;
    }
    void restore_process(pid_t pid, core::UnitId unit, const std::string& socket) { served_[pid] = {unit, socket}; }

    // When connections that found us out of descriptors or processes, or came too often, are looked for again.
    [[nodiscard]] Instant next_deadline() const;
    void due(Instant now);

private:
    UnitConnections& of(core::UnitId unit);
    void accept(core::UnitId unit, int fd);
    void hold(UnitConnections& connections) const;
    void hold_all();
    bool serve(core::UnitId unit, UnitConnections::Pending pending);
    void rest();
    void go_on();
    void slow_down(core::UnitId unit, UnitConnections& connections);

    Kernel& kernel_;
    UnitTable& units_; // UnitRun::connections
    Host& host_;
    struct Served {
        core::UnitId unit = core::no_unit;
        std::string socket; // the key in UnitConnections::counts
    };
    std::unordered_map<pid_t, Served> served_;
    Instant resume_at_ = never;
    std::map<core::UnitId, Instant> slowed_; // on-demand units that were run too often, and when they are watched again
};

} // namespace mi::daemon
