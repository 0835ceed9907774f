// What comes in at the sockets of units that are armed: the first connection to an on-demand service, every connection to
// one that has a process for each. Who those processes are, and what they are started with, is the supervisor's.
#pragma once

#include "base/time.hpp"
#include "daemon/socket/sockets.hpp"
#include "loop/loop.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

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
        virtual void arrived(const std::string& unit) = 0;
        // The unit's process for this connection, or why there is none.
        virtual Serving serve(const std::string& unit, const os::Connection& connection) = 0;
        // Words for the unit's log.
        virtual void connection_trouble(const std::string& unit, const std::string& text) = 0;
    };

    Connections(loop::Loop& loop, Host& host) : loop_(loop), host_(host) {}

    // Awaits connections to the unit; with `accept` they are accepted and served from now on.
    [[nodiscard]] Result<> arm(const std::string& unit, std::span<const Sockets::Open> sockets);
    // To be asked before an on-demand unit is armed again: how many times in a row it has ended at once and left what
    // waited, if that is too often; else 0.
    [[nodiscard]] unsigned idle_runs(const std::string& unit, std::span<const Sockets::Open> sockets, Instant now);
    // Nothing more is awaited or accepted. Processes of connections stay.
    void disarm(const std::string& unit);
    // The unit is at rest: how often it was triggered no longer counts.
    void forget(const std::string& unit);

    // A process of serve() has ended.
    void ended(pid_t pid);
    // Connections at one of the unit's sockets: those open now, and all that there were.
    struct Count {
        std::uint32_t now = 0;
        std::uint64_t all = 0;
    };
    [[nodiscard]] Count count(const std::string& unit, const core::Listen& listen) const;

    // --- for the snapshot ---
    // The counts of a unit by the key of the socket; and of a process of serve(), that key.
    [[nodiscard]] const std::map<std::string, Count>* counts(const std::string& unit) const;
    [[nodiscard]] const std::string& socket_of(pid_t pid) const;
    void adopt(const std::string& unit, const std::string& socket, Count count) { gates_[unit].counts[socket] = count; }
    void adopt(pid_t pid, const std::string& unit, const std::string& socket) { served_[pid] = {unit, socket}; }

    // When connections that found us out of descriptors or processes are looked for again.
    [[nodiscard]] Instant next_deadline() const { return resume_at_; }
    void due(Instant now);

private:
    // A socket that is watched.
    struct Door {
        int fd = -1;
        core::Listen settings;
        std::unique_ptr<loop::Watch> watch;
    };
    struct Gate {
        std::vector<Door> doors;             // while it is armed
        std::map<std::string, Count> counts; // by kind and address
        struct Pending {
            std::string socket; // its key there
            os::Connection connection;
        };
        std::optional<Pending> pending; // accepted, and there was nothing to serve it with
        Instant last_arrival{};
        unsigned idle_runs = 0; // in a row
    };

    void accept(const std::string& unit, int fd);
    void hold(Gate& gate);
    bool serve(const std::string& unit, Gate& gate, Gate::Pending pending);
    void rest();
    void go_on();

    loop::Loop& loop_;
    Host& host_;
    std::unordered_map<std::string, Gate> gates_;
    struct Served {
        std::string unit, socket; // the key of Gate::counts
    };
    std::unordered_map<pid_t, Served> served_;
    Instant resume_at_ = never;
};

} // namespace mi::daemon
