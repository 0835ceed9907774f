// What a unit has at run time of its `[[listen]]` sockets: those that are open, and who has connected to them.
#pragma once

#include "base/time.hpp"
#include "core/unit.hpp"
#include "loop/loop.hpp"
#include "os/socket/listen_socket.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mi::daemon {

// One `[[listen]]` of a unit, open.
struct OpenSocket {
    core::Listen settings;
    os::ListenSocket socket;
    bool lost = false; // its path does not lead to it any more, which was said
};

// Connections at one socket: those open now, and all that there were.
struct ConnectionCount {
    std::uint32_t now = 0;
    std::uint64_t all = 0;
};

struct UnitConnections {
    struct Awaited {
        int fd = -1;
        core::Listen settings;
        std::unique_ptr<loop::Watch> watch;
    };
    struct Pending {
        std::string socket; // its key in `counts`
        os::Connection connection;
    };
    std::vector<Awaited> awaited;                  // the sockets that are watched, while the unit is armed
    std::map<std::string, ConnectionCount> counts; // by kind and address of the socket
    std::optional<Pending> pending;                // accepted, and there was nothing to serve it with
    Instant last_arrival{};
    unsigned idle_runs = 0; // in a row
    Instant burst_began{};  // of an on-demand unit
    unsigned arrivals = 0;  // since then
};

} // namespace mi::daemon
